// FUSE's wire structures and the loop device's ioctls, for AttachFUSE and Filesystems.
#ifndef ASHLAR_FUSE_LOOP_H
#define ASHLAR_FUSE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

// --- loop devices (linux/loop.h) ------------------------------------------------------------------------------------

struct ashlar_loop_status {
    uint32_t number;
    bool read_only;
    bool autoclear;
    bool direct_io;
    char name[64];  // NUL-terminated; the kernel keeps 63 bytes
};

// Each returns 0 or more, or -1 with errno set.
int ashlar_loop_get_free(int control);
// EBUSY: another process was faster with this device.
int ashlar_loop_configure(int loop, int backing, uint32_t block_bytes, const char *name, bool read_only);
int ashlar_loop_status(int loop, struct ashlar_loop_status *status);
int ashlar_loop_clear(int loop);
int ashlar_loop_set_capacity(int loop);

#endif
