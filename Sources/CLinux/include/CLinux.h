// System calls and structures that Swift cannot reach: ioctls, variadic calls, io_uring.
#ifndef ASHLAR_CLINUX_H
#define ASHLAR_CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "fuse_loop.h"
#include "memory.h"
#include "mounts.h"
#include "process.h"

// --- io_uring ---------------------------------------------------------------------------------------------------

struct ashlar_ring;  // opaque; used by the thread that created it only

struct ashlar_completion {
    uint64_t user_data;
    int32_t result;   // bytes, or -errno
    bool more;        // a multishot request stays armed
};

// Owned by the caller, who gives it back to ashlar_ring_destroy. NULL with *error_number set on failure. `held` (-1: none) is registered with it: that
// file stays open, and locked, until the last request of this ring has ended, even where its process was killed before.
struct ashlar_ring *ashlar_ring_create(unsigned entries, int held, int *error_number);
void ashlar_ring_destroy(struct ashlar_ring *ring);

// Each puts one request in the submission queue; the queue is flushed to the kernel when it is full.
// Buffers are borrowed until the completion; iovecs only until the next ashlar_ring_wait.
void ashlar_ring_read(struct ashlar_ring *ring, uint64_t user_data, int fd, void *buffer, unsigned bytes, uint64_t offset);
void ashlar_ring_writev(struct ashlar_ring *ring, uint64_t user_data, int fd, const struct iovec *vectors,
                        unsigned count, uint64_t offset, bool durable);
void ashlar_ring_fdatasync(struct ashlar_ring *ring, uint64_t user_data, int fd);
void ashlar_ring_poll(struct ashlar_ring *ring, uint64_t user_data, int fd, unsigned events, bool multishot);
void ashlar_ring_poll_remove(struct ashlar_ring *ring, uint64_t poll_user_data, uint64_t user_data);
void ashlar_ring_timeout(struct ashlar_ring *ring, uint64_t user_data, uint64_t nanoseconds);

// Submits what is queued, waits for at least `wait` completions (0: takes what is there) and copies up to `max`
// of them out. Returns their count, or -errno.
int ashlar_ring_wait(struct ashlar_ring *ring, unsigned wait, struct ashlar_completion *out, unsigned max);

// --- calls that Swift's importer cannot express -------------------------------------------------------------------

int ashlar_open(const char *path, int flags, unsigned mode);
int ashlar_openat(int directory, const char *path, int flags, unsigned mode);
int ashlar_o_direct(void);
int ashlar_fallocate(int fd, uint64_t bytes);
int ashlar_eventfd(void);
// The calling thread's name; the kernel keeps 15 characters.
void ashlar_name_thread(const char *name);

#endif
