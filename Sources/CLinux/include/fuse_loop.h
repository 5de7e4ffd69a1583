// FUSE's wire structures and the loop device's ioctls, for AttachFUSE and Filesystems.
#ifndef ASHLAR_FUSE_LOOP_H
#define ASHLAR_FUSE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
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
// Takes back what ashlar_loop_clear did to a device that others have open.
int ashlar_loop_keep(int loop);
int ashlar_loop_set_capacity(int loop);

// --- FUSE's wire protocol (linux/fuse.h, 7.38) for a filesystem that is one regular file ----------------------------

enum ashlar_fuse_kind {
    ASHLAR_FUSE_OTHER,       // unknown to us: answer ENOSYS
    ASHLAR_FUSE_SILENT,      // FORGET, INTERRUPT: no answer is expected
    ASHLAR_FUSE_MALFORMED,   // answer EINVAL
    ASHLAR_FUSE_INIT,        // flags: what the kernel offers
    ASHLAR_FUSE_GETATTR,
    ASHLAR_FUSE_SETATTR,     // bytes: the new size, where flags is not 0
    ASHLAR_FUSE_OPEN,
    ASHLAR_FUSE_CLOSE,       // FLUSH, RELEASE, DESTROY: nothing to do
    ASHLAR_FUSE_READ,        // offset, bytes
    ASHLAR_FUSE_WRITE,       // offset, bytes; the payload is in the landing buffer
    ASHLAR_FUSE_SYNC,
    ASHLAR_FUSE_PUNCH,       // offset, bytes
    ASHLAR_FUSE_ZERO,        // offset, bytes
    ASHLAR_FUSE_STATFS,
    ASHLAR_FUSE_UNSUPPORTED, // FALLOCATE of another mode: answer EOPNOTSUPP
};

struct ashlar_fuse_request {
    uint64_t unique;    // what the answer must carry
    uint64_t number;    // the same number when the kernel sends the request again
    bool is_repeated;   // the kernel sent it before, to a process that did not answer
    uint64_t offset;
    uint64_t bytes;
    uint64_t flags;
    uint32_t kind;
};

struct ashlar_fuse_attributes {
    uint64_t bytes;
    uint32_t mode;
    uint64_t valid_seconds;
};

// /dev/fuse, non-blocking. All calls below return -errno on failure.
int ashlar_fuse_open(void);
// A descriptor that is readable when the connection, which must be mounted, is. To wait with instead of it: io_uring holds a reference to what it
// polls for as long as the process's memory lives, an epoll instance does not, so that a killed process closes /dev/fuse even
// while one of its threads sleeps in the kernel on I/O that it served.
int ashlar_fuse_waiter(int fd);
// Mounts the connection over the regular file `path`.
int ashlar_fuse_mount(int fd, const char *path, bool read_only, uint32_t request_bytes_max);

// Takes the next request. The payload of a WRITE lands at the start of `landing` (borrowed), which has
// `landing_bytes` bytes, at least the request_bytes_max of the INIT answer. Returns 1, 0 where none waits, -ENODEV when the
// connection is over.
int ashlar_fuse_receive(int fd, void *landing, size_t landing_bytes, struct ashlar_fuse_request *request);

// `error` 0 or a positive errno; `data` (borrowed) only with 0.
int ashlar_fuse_reply(int fd, uint64_t unique, int error, const void *data, size_t bytes);
int ashlar_fuse_reply_init(int fd, uint64_t unique, uint64_t offered, uint32_t request_bytes_max, uint16_t background_max);
// Whether the kernel can send requests again that a dead process took and did not answer (since Linux 6.9). `offered`: INIT's flags.
bool ashlar_fuse_offers_resend(uint64_t offered);
// Has it send all of them again.
int ashlar_fuse_resend(int fd);
int ashlar_fuse_reply_attributes(int fd, uint64_t unique, const struct ashlar_fuse_attributes *attributes);
int ashlar_fuse_reply_open(int fd, uint64_t unique);
int ashlar_fuse_reply_written(int fd, uint64_t unique, uint32_t bytes);
int ashlar_fuse_reply_statfs(int fd, uint64_t unique, uint64_t bytes);
// Makes the kernel ask for the size of the file that `file` (O_PATH will do) names. What it knew stays valid until the answer: were it
// forgotten first, a process killed in between would leave a loop device that no longer tells its name (LOOP_GET_STATUS64 asks the
// file, and nobody answers). `bytes`: the size that the kernel goes by afterwards, which need not be the answer: it drops one that the
// end of a write has overtaken.
int ashlar_fuse_refresh_attributes(int file, uint64_t *bytes);

// Tells the kernel that the calling thread serves I/O, so that its own allocations do not wait for that I/O. Returns 0 or -errno.
int ashlar_set_io_flusher(void);

#endif
