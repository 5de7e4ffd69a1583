#include "fuse_protocol.h"
