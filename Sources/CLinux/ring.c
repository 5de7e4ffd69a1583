#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>

#include "CLinux.h"

struct ashlar_ring {
    struct io_uring uring;
    // Timeouts point into this until they are submitted; one slot a submission-queue entry.
    struct __kernel_timespec *timeouts;  // owned
    unsigned entries;
    unsigned next_timeout;
};

struct ashlar_ring *ashlar_ring_create(unsigned entries, int *error_number) {
    struct ashlar_ring *ring = calloc(1, sizeof *ring);
    if (!ring) {
        *error_number = ENOMEM;
        return NULL;
    }
    ring->entries = entries;
    ring->timeouts = calloc(entries, sizeof *ring->timeouts);
    struct io_uring_params params = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        .cq_entries = entries * 4,
    };
    int result = io_uring_queue_init_params(entries, &ring->uring, &params);
    if (result == -EINVAL) {  // a kernel before 6.1
        params = (struct io_uring_params){.flags = IORING_SETUP_CQSIZE, .cq_entries = entries * 4};
        result = io_uring_queue_init_params(entries, &ring->uring, &params);
    }
    if (result < 0 || !ring->timeouts) {
        *error_number = result < 0 ? -result : ENOMEM;
        free(ring->timeouts);
        free(ring);
        return NULL;
    }
    return ring;
}

void ashlar_ring_destroy(struct ashlar_ring *ring) {
    io_uring_queue_exit(&ring->uring);
    free(ring->timeouts);
    free(ring);
}

static struct io_uring_sqe *next_entry(struct ashlar_ring *ring, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);
    while (!entry) {  // full: hand it to the kernel
        int result = io_uring_submit(&ring->uring);
        if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) abort();
        entry = io_uring_get_sqe(&ring->uring);
    }
    entry->user_data = user_data;
    return entry;
}

// liburing's prep functions clear user_data in some versions: set it after them.
void ashlar_ring_read(struct ashlar_ring *ring, uint64_t user_data, int fd, void *buffer, unsigned bytes, uint64_t offset) {
    struct io_uring_sqe *entry = next_entry(ring, user_data);
    io_uring_prep_read(entry, fd, buffer, bytes, offset);
    entry->user_data = user_data;
}

void ashlar_ring_writev(struct ashlar_ring *ring, uint64_t user_data, int fd, const struct iovec *vectors,
                        unsigned count, uint64_t offset, bool durable) {
    struct io_uring_sqe *entry = next_entry(ring, user_data);
    io_uring_prep_writev(entry, fd, vectors, count, offset);
    if (durable) entry->rw_flags = RWF_DSYNC;
    entry->user_data = user_data;
}

void ashlar_ring_fdatasync(struct ashlar_ring *ring, uint64_t user_data, int fd) {
    struct io_uring_sqe *entry = next_entry(ring, user_data);
    io_uring_prep_fsync(entry, fd, IORING_FSYNC_DATASYNC);
    entry->user_data = user_data;
}

void ashlar_ring_poll(struct ashlar_ring *ring, uint64_t user_data, int fd, unsigned events, bool multishot) {
    struct io_uring_sqe *entry = next_entry(ring, user_data);
    if (multishot) {
        io_uring_prep_poll_multishot(entry, fd, events);
    } else {
        io_uring_prep_poll_add(entry, fd, events);
    }
    entry->user_data = user_data;
}

void ashlar_ring_poll_remove(struct ashlar_ring *ring, uint64_t poll_user_data, uint64_t user_data) {
    struct io_uring_sqe *entry = next_entry(ring, user_data);
    io_uring_prep_poll_remove(entry, poll_user_data);
    entry->user_data = user_data;
}

void ashlar_ring_timeout(struct ashlar_ring *ring, uint64_t user_data, uint64_t nanoseconds) {
    struct io_uring_sqe *entry = next_entry(ring, user_data);
    struct __kernel_timespec *timeout = &ring->timeouts[ring->next_timeout++ % ring->entries];
    timeout->tv_sec = (int64_t)(nanoseconds / 1000000000u);
    timeout->tv_nsec = (long long)(nanoseconds % 1000000000u);
    io_uring_prep_timeout(entry, timeout, 0, 0);
    entry->user_data = user_data;
}

int ashlar_ring_wait(struct ashlar_ring *ring, unsigned wait, struct ashlar_completion *out, unsigned max) {
    int result = wait ? io_uring_submit_and_wait(&ring->uring, wait) : io_uring_submit_and_get_events(&ring->uring);
    if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY && result != -ETIME) return result;
    unsigned head, count = 0;
    struct io_uring_cqe *completion;
    io_uring_for_each_cqe(&ring->uring, head, completion) {
        if (count == max) break;
        out[count].user_data = completion->user_data;
        out[count].result = completion->res;
        out[count].more = (completion->flags & IORING_CQE_F_MORE) != 0;
        count++;
    }
    io_uring_cq_advance(&ring->uring, count);
    return (int)count;
}
