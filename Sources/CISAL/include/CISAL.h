// Intel's storage acceleration library: Reed-Solomon coding and CRC32C.
#ifndef ASHLAR_CISAL_H
#define ASHLAR_CISAL_H
#include <isa-l/crc.h>
#include <isa-l/erasure_code.h>
#endif
