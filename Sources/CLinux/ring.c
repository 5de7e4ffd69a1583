#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CLinux.h"

struct ashlar_ring {
    struct io_uring uring;
    void *memory;  // owned: the queues, where the kernel uses ours; else NULL
    size_t memory_bytes;
    // Timeouts point into this until they are submitted; one slot a submission-queue entry.
    struct __kernel_timespec *timeouts;  // owned
    unsigned entries;
    unsigned next_timeout;
};

// Newer than Debian 12's liburing.
#ifndef IORING_SETUP_NO_MMAP
#define IORING_SETUP_NO_MMAP (1U << 14)
#endif

static const unsigned modern = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

// Where the kernel's fields are in the memory of both queues, which begins at `base`; as io_uring_setup(2) tells it.
static void find_queues(struct io_uring *uring, char *base, struct io_uring_sqe *sqes, size_t bytes, const struct io_uring_params *params) {
    uring->sq = (struct io_uring_sq){
        .khead = (unsigned *)(base + params->sq_off.head),
        .ktail = (unsigned *)(base + params->sq_off.tail),
        .kring_mask = (unsigned *)(base + params->sq_off.ring_mask),
        .kring_entries = (unsigned *)(base + params->sq_off.ring_entries),
        .kflags = (unsigned *)(base + params->sq_off.flags),
        .kdropped = (unsigned *)(base + params->sq_off.dropped),
        .array = (unsigned *)(base + params->sq_off.array),
        .sqes = sqes,
        .ring_sz = bytes,
        .ring_ptr = base,
        .ring_mask = params->sq_entries - 1,
        .ring_entries = params->sq_entries,
    };
    uring->cq = (struct io_uring_cq){
        .khead = (unsigned *)(base + params->cq_off.head),
        .ktail = (unsigned *)(base + params->cq_off.tail),
        .kring_mask = (unsigned *)(base + params->cq_off.ring_mask),
        .kring_entries = (unsigned *)(base + params->cq_off.ring_entries),
        .kflags = params->cq_off.flags ? (unsigned *)(base + params->cq_off.flags) : NULL,
        .koverflow = (unsigned *)(base + params->cq_off.overflow),
        .cqes = (struct io_uring_cqe *)(base + params->cq_off.cqes),
        .ring_sz = bytes,
        .ring_ptr = base,
        .ring_mask = params->cq_entries - 1,
        .ring_entries = params->cq_entries,
    };
    for (unsigned index = 0; index < params->sq_entries; index++) uring->sq.array[index] = index;
}

// The queues in memory of ours. A mapping of the ring's file would keep the ring, and the files that are registered with it, for as long as
// the process's memory lives; that is too long when a killed process has a thread that waits in the kernel for I/O which its
// successor must serve first. Refused before Linux 6.5, and while memory must be in one piece.
static int create_unmapped(struct ashlar_ring *ring) {
    const size_t page = 4096;
    struct io_uring_params params = {.flags = modern | IORING_SETUP_NO_MMAP, .cq_entries = ring->entries * 4};
    size_t sqes_bytes = (ring->entries * sizeof(struct io_uring_sqe) + page - 1) / page * page;
    size_t queue_bytes = page + params.cq_entries * sizeof(struct io_uring_cqe) + ring->entries * sizeof(unsigned);
    queue_bytes = (queue_bytes + page - 1) / page * page;
    size_t bytes = sqes_bytes + queue_bytes;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    madvise(memory, bytes, MADV_DONTFORK);
    // Both are called user_addr since Linux 6.5.
    params.sq_off.resv2 = (uint64_t)(uintptr_t)memory;
    params.cq_off.resv2 = (uint64_t)(uintptr_t)(memory + sqes_bytes);
    int fd = (int)syscall(SYS_io_uring_setup, ring->entries, &params);
    if (fd < 0) {
        int error = errno;
        munmap(memory, bytes);
        return -error;
    }
    ring->memory = memory;
    ring->memory_bytes = bytes;
    ring->uring = (struct io_uring){.flags = params.flags, .ring_fd = fd, .enter_ring_fd = fd, .features = params.features};
    find_queues(&ring->uring, memory + sqes_bytes, (struct io_uring_sqe *)memory, queue_bytes, &params);
    return 0;
}

static void close_queues(struct ashlar_ring *ring) {
    if (!ring->memory) return io_uring_queue_exit(&ring->uring);
    close(ring->uring.ring_fd);
    // The kernel has the pages for as long as it needs them.
    munmap(ring->memory, ring->memory_bytes);
}

static int create(struct ashlar_ring *ring) {
    int result = create_unmapped(ring);
    if (result == 0 || result == -ENOMEM) return result;
    struct io_uring_params params = {.flags = modern, .cq_entries = ring->entries * 4};
    result = io_uring_queue_init_params(ring->entries, &ring->uring, &params);
    if (result == -EINVAL) {  // a kernel before 6.1
        params = (struct io_uring_params){.flags = IORING_SETUP_CQSIZE, .cq_entries = ring->entries * 4};
        result = io_uring_queue_init_params(ring->entries, &ring->uring, &params);
    }
    return result;
}

struct ashlar_ring *ashlar_ring_create(unsigned entries, int held, int *error_number) {
    struct ashlar_ring *ring = calloc(1, sizeof *ring);
    if (!ring) {
        *error_number = ENOMEM;
        return NULL;
    }
    ring->entries = entries;
    ring->timeouts = calloc(entries, sizeof *ring->timeouts);
    int result = ring->timeouts ? create(ring) : -ENOMEM;
    if (result == 0 && held >= 0) {
        result = io_uring_register_files(&ring->uring, &held, 1);
        if (result < 0) close_queues(ring);
    }
    if (result < 0) {
        *error_number = -result;
        free(ring->timeouts);
        free(ring);
        return NULL;
    }
    return ring;
}

void ashlar_ring_destroy(struct ashlar_ring *ring) {
    close_queues(ring);
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
