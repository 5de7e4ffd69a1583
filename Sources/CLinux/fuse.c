#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse_loop.h"

// Newer than Debian 12's header (FUSE 7.40).
#ifndef FUSE_HAS_RESEND
#define FUSE_HAS_RESEND (1ULL << 39)
#endif
#ifndef FUSE_UNIQUE_RESEND
#define FUSE_UNIQUE_RESEND (1ULL << 63)
#define FUSE_NOTIFY_RESEND 7
#endif
#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

_Static_assert(sizeof(struct fuse_in_header) == 40, "fuse_in_header of the kernel's ABI");
_Static_assert(sizeof(struct fuse_out_header) == 16, "fuse_out_header of the kernel's ABI");
_Static_assert(sizeof(struct fuse_init_in) == 64, "fuse_init_in of the kernel's ABI");
_Static_assert(sizeof(struct fuse_init_out) == 64, "fuse_init_out of the kernel's ABI");
_Static_assert(sizeof(struct fuse_attr_out) == 104, "fuse_attr_out of the kernel's ABI");
_Static_assert(sizeof(struct fuse_setattr_in) == 88, "fuse_setattr_in of the kernel's ABI");
_Static_assert(sizeof(struct fuse_open_out) == 16, "fuse_open_out of the kernel's ABI");
_Static_assert(sizeof(struct fuse_read_in) == 40, "fuse_read_in of the kernel's ABI");
_Static_assert(sizeof(struct fuse_write_in) == 40, "fuse_write_in of the kernel's ABI");
_Static_assert(sizeof(struct fuse_fallocate_in) == 32, "fuse_fallocate_in of the kernel's ABI");
_Static_assert(sizeof(struct fuse_statfs_out) == 80, "fuse_statfs_out of the kernel's ABI");

// The first 80 bytes of a request: a WRITE's headers, so that its payload begins in the next buffer. What we use of the
// longer requests (INIT 104, SETATTR 128) lies within them too.
struct head {
    struct fuse_in_header header;
    union {
        struct fuse_read_in read;
        struct fuse_write_in write;
        struct fuse_fallocate_in fallocate;
        struct { uint32_t valid, padding; uint64_t fh, size; } setattr;
        struct { uint32_t major, minor, max_readahead, flags, flags2; } init;
    };
};
_Static_assert(sizeof(struct head) == 80, "a WRITE's payload must start the landing buffer");
_Static_assert(offsetof(struct fuse_setattr_in, size) == 16, "head.setattr");
_Static_assert(offsetof(struct fuse_init_in, flags2) == 16, "head.init");

int ashlar_fuse_open(void) {
    int fd = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int ashlar_fuse_waiter(int fd) {
    int waiter = epoll_create1(EPOLL_CLOEXEC);
    if (waiter < 0) return -errno;
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(waiter, EPOLL_CTL_ADD, fd, &event) == 0) return waiter;
    int error = errno;
    close(waiter);
    return -error;
}

int ashlar_fuse_mount(int fd, const char *path, bool read_only, uint32_t request_bytes_max) {
    char options[128];
    snprintf(options, sizeof options, "fd=%d,rootmode=%o,user_id=0,group_id=0,max_read=%u", fd, S_IFREG,
             request_bytes_max);
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | (read_only ? MS_RDONLY : 0);
    return mount("ashlar", path, "fuse", flags, options) < 0 ? -errno : 0;
}

static uint32_t decode_fallocate(const struct head *head, struct ashlar_fuse_request *request) {
    request->offset = head->fallocate.offset;
    request->bytes = head->fallocate.length;
    switch (head->fallocate.mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE) {
        case FALLOC_FL_PUNCH_HOLE: return ASHLAR_FUSE_PUNCH;
        case FALLOC_FL_ZERO_RANGE: return ASHLAR_FUSE_ZERO;
        default: return ASHLAR_FUSE_UNSUPPORTED;
    }
}

static uint32_t decode(const struct head *head, size_t bytes, struct ashlar_fuse_request *request) {
    switch (head->header.opcode) {
        case FUSE_READ:
            request->offset = head->read.offset;
            request->bytes = head->read.size;
            return ASHLAR_FUSE_READ;
        case FUSE_WRITE:
            request->offset = head->write.offset;
            request->bytes = head->write.size;
            return bytes == sizeof *head + head->write.size ? ASHLAR_FUSE_WRITE : ASHLAR_FUSE_MALFORMED;
        case FUSE_FSYNC: return ASHLAR_FUSE_SYNC;
        case FUSE_FALLOCATE: return decode_fallocate(head, request);
        case FUSE_GETATTR: return ASHLAR_FUSE_GETATTR;
        case FUSE_SETATTR:
            request->flags = head->setattr.valid & FATTR_SIZE;
            request->bytes = head->setattr.size;
            return ASHLAR_FUSE_SETATTR;
        case FUSE_OPEN: return ASHLAR_FUSE_OPEN;
        case FUSE_FLUSH:
        case FUSE_RELEASE:
        case FUSE_DESTROY: return ASHLAR_FUSE_CLOSE;
        case FUSE_STATFS: return ASHLAR_FUSE_STATFS;
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT: return ASHLAR_FUSE_SILENT;
        case FUSE_INIT:
            if (head->init.major != FUSE_KERNEL_VERSION) return ASHLAR_FUSE_MALFORMED;
            request->flags = head->init.flags;
            if (head->init.flags & FUSE_INIT_EXT) request->flags |= (uint64_t)head->init.flags2 << 32;
            return ASHLAR_FUSE_INIT;
        default: return ASHLAR_FUSE_OTHER;
    }
}

int ashlar_fuse_receive(int fd, void *landing, size_t landing_bytes, struct ashlar_fuse_request *request) {
    struct head head;
    struct iovec vectors[2] = {{&head, sizeof head}, {landing, landing_bytes}};
    ssize_t bytes;
    do {
        bytes = readv(fd, vectors, 2);
    } while (bytes < 0 && (errno == EINTR || errno == ENOENT));  // ENOENT: the request was given up meanwhile
    if (bytes < 0) return errno == EAGAIN ? 0 : -errno;
    if ((size_t)bytes < sizeof head.header || head.header.len != (size_t)bytes) return -EPROTO;
    if ((size_t)bytes < sizeof head) memset((char *)&head + bytes, 0, sizeof head - (size_t)bytes);
    request->unique = head.header.unique;
    request->number = head.header.unique & ~FUSE_UNIQUE_RESEND;
    request->is_repeated = (head.header.unique & FUSE_UNIQUE_RESEND) != 0;
    request->kind = decode(&head, (size_t)bytes, request);
    return 1;
}

static int send_reply(int fd, struct iovec *vectors, int count) {
    struct fuse_out_header *header = vectors[0].iov_base;
    header->len = 0;
    for (int index = 0; index < count; index++) header->len += (uint32_t)vectors[index].iov_len;
    ssize_t result;
    do {
        result = writev(fd, vectors, count);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

int ashlar_fuse_reply(int fd, uint64_t unique, int error, const void *data, size_t bytes) {
    struct fuse_out_header header = {.unique = unique, .error = -error};
    struct iovec vectors[2] = {{&header, sizeof header}, {(void *)data, bytes}};
    return send_reply(fd, vectors, error == 0 && bytes > 0 ? 2 : 1);
}

int ashlar_fuse_reply_init(int fd, uint64_t unique, uint64_t offered, uint32_t request_bytes_max, uint16_t background_max) {
    uint64_t flags = offered & (FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_PARALLEL_DIROPS | FUSE_ASYNC_DIO |
                                FUSE_MAX_PAGES | FUSE_INIT_EXT | FUSE_HAS_RESEND);
    struct fuse_init_out out = {
        .major = FUSE_KERNEL_VERSION,
        .minor = FUSE_KERNEL_MINOR_VERSION,
        .flags = (uint32_t)flags,
        .flags2 = (uint32_t)(flags >> 32),
        .max_background = background_max,
        .congestion_threshold = (uint16_t)(background_max / 4 * 3),
        .max_write = request_bytes_max,
        .time_gran = 1,
        .max_pages = (uint16_t)(request_bytes_max / 4096),
    };
    return ashlar_fuse_reply(fd, unique, 0, &out, sizeof out);
}

bool ashlar_fuse_offers_resend(uint64_t offered) { return (offered & FUSE_HAS_RESEND) != 0; }

int ashlar_fuse_resend(int fd) {
    struct fuse_out_header header = {.error = FUSE_NOTIFY_RESEND};
    struct iovec vector = {&header, sizeof header};
    return send_reply(fd, &vector, 1);
}

int ashlar_fuse_reply_attributes(int fd, uint64_t unique, const struct ashlar_fuse_attributes *attributes) {
    struct fuse_attr_out out = {
        .attr_valid = attributes->valid_seconds,
        .attr = {
            .ino = FUSE_ROOT_ID,
            .size = attributes->bytes,
            .blocks = attributes->bytes / 512,
            .mode = S_IFREG | attributes->mode,
            .nlink = 1,
            .blksize = 4096,
        },
    };
    return ashlar_fuse_reply(fd, unique, 0, &out, sizeof out);
}

int ashlar_fuse_reply_open(int fd, uint64_t unique) {
    struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES};
    return ashlar_fuse_reply(fd, unique, 0, &out, sizeof out);
}

int ashlar_fuse_reply_written(int fd, uint64_t unique, uint32_t bytes) {
    struct {
        struct fuse_out_header header;
        struct fuse_write_out out;
    } answer = {.header = {.unique = unique}, .out = {.size = bytes}};
    struct iovec vector = {&answer, sizeof answer};
    return send_reply(fd, &vector, 1);
}

int ashlar_fuse_reply_statfs(int fd, uint64_t unique, uint64_t bytes) {
    struct fuse_statfs_out out = {
        .st = {.blocks = bytes / 4096, .files = 1, .bsize = 4096, .namelen = 255, .frsize = 4096},
    };
    return ashlar_fuse_reply(fd, unique, 0, &out, sizeof out);
}

int ashlar_fuse_refresh_attributes(int file, uint64_t *bytes) {
    struct statx status;
    if (statx(file, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &status) < 0) return -errno;
    if (statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &status) < 0) return -errno;
    *bytes = status.stx_size;
    return 0;
}

int ashlar_set_io_flusher(void) { return prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) < 0 ? -errno : 0; }
