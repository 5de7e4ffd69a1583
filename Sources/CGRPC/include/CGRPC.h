// The gRPC C core.
#ifndef ASHLAR_CGRPC_H
#define ASHLAR_CGRPC_H
#include <grpc/grpc.h>
#endif
