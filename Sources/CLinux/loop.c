#define _GNU_SOURCE
#include <linux/loop.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuse_loop.h"

_Static_assert(sizeof(struct loop_info64) == 232, "loop_info64 of the kernel's ABI");
_Static_assert(sizeof(struct loop_config) == 304, "loop_config of the kernel's ABI");
_Static_assert(LO_NAME_SIZE == 64, "ashlar_loop_status.name");

int ashlar_loop_get_free(int control) { return ioctl(control, LOOP_CTL_GET_FREE); }

int ashlar_loop_configure(int loop, int backing, uint32_t block_bytes, const char *name, bool read_only) {
    struct loop_config config = {.fd = (uint32_t)backing, .block_size = block_bytes};
    config.info.lo_flags = LO_FLAGS_DIRECT_IO | (read_only ? LO_FLAGS_READ_ONLY : 0);
    strncpy((char *)config.info.lo_file_name, name, LO_NAME_SIZE - 1);
    return ioctl(loop, LOOP_CONFIGURE, &config);
}

int ashlar_loop_status(int loop, struct ashlar_loop_status *status) {
    struct loop_info64 info = {0};
    int result = ioctl(loop, LOOP_GET_STATUS64, &info);
    if (result < 0) return result;
    status->number = info.lo_number;
    status->read_only = (info.lo_flags & LO_FLAGS_READ_ONLY) != 0;
    status->autoclear = (info.lo_flags & LO_FLAGS_AUTOCLEAR) != 0;
    status->direct_io = (info.lo_flags & LO_FLAGS_DIRECT_IO) != 0;
    memcpy(status->name, info.lo_file_name, sizeof status->name);
    status->name[sizeof status->name - 1] = 0;
    return 0;
}

int ashlar_loop_clear(int loop) { return ioctl(loop, LOOP_CLR_FD); }
int ashlar_loop_keep(int loop) {
    struct loop_info64 info = {0};
    int result = ioctl(loop, LOOP_GET_STATUS64, &info);
    if (result < 0) return result;
    info.lo_flags &= ~(uint32_t)LO_FLAGS_AUTOCLEAR;
    return ioctl(loop, LOOP_SET_STATUS64, &info);
}
int ashlar_loop_set_capacity(int loop) { return ioctl(loop, LOOP_SET_CAPACITY); }
