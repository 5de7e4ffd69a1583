// The kernel's FUSE structures, for the test drive. What Debian 12's header lacks is named here (FUSE 7.39).
#ifndef ASHLAR_TEST_FUSE_PROTOCOL_H
#define ASHLAR_TEST_FUSE_PROTOCOL_H

#include <linux/fuse.h>
#include <stdint.h>

// Second word of the INIT flags: FUSE_DIRECT_IO_ALLOW_MMAP is bit 36 of both.
static const uint32_t fuse_direct_io_allow_mmap_in_flags2 = 1u << 4;

#endif
