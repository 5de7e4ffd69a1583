#define _GNU_SOURCE
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int ashlar_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data) {
    return mount(source, target, type, (unsigned long)flags, data);
}

int ashlar_unmount(const char *target, bool lazy) { return umount2(target, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)); }

static const struct {
    const char *word;
    uint64_t flag;
    bool clears;
} words[] = {
    {"ro", MS_RDONLY, false},          {"rw", MS_RDONLY, true},         {"nosuid", MS_NOSUID, false},
    {"suid", MS_NOSUID, true},         {"nodev", MS_NODEV, false},      {"dev", MS_NODEV, true},
    {"noexec", MS_NOEXEC, false},      {"exec", MS_NOEXEC, true},       {"sync", MS_SYNCHRONOUS, false},
    {"async", MS_SYNCHRONOUS, true},   {"dirsync", MS_DIRSYNC, false},  {"noatime", MS_NOATIME, false},
    {"atime", MS_NOATIME, true},       {"relatime", MS_RELATIME, false},{"norelatime", MS_RELATIME, true},
    {"nodiratime", MS_NODIRATIME, false},                               {"diratime", MS_NODIRATIME, true},
    {"strictatime", MS_STRICTATIME, false},                             {"lazytime", MS_LAZYTIME, false},
    {"nolazytime", MS_LAZYTIME, true}, {"nosymfollow", MS_NOSYMFOLLOW, false},
};

uint64_t ashlar_mount_flag(const char *word, bool *clears) {
    for (size_t index = 0; index < sizeof words / sizeof *words; index++) {
        if (strcmp(word, words[index].word) == 0) {
            *clears = words[index].clears;
            return words[index].flag;
        }
    }
    return 0;
}

// What of mount(2)'s flags one mount may have for itself (mount_setattr(2)); the others are the filesystem's.
static const struct {
    uint64_t flag;
    uint64_t set;
    uint64_t clears;
} attributes[] = {
    {MS_RDONLY, MOUNT_ATTR_RDONLY, 0},
    {MS_NOSUID, MOUNT_ATTR_NOSUID, 0},
    {MS_NODEV, MOUNT_ATTR_NODEV, 0},
    {MS_NOEXEC, MOUNT_ATTR_NOEXEC, 0},
    {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME, 0},
    {MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW, 0},
    {MS_NOATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {MS_RELATIME, MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {MS_STRICTATIME, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
};

int ashlar_bind(const char *source, const char *target, uint64_t flags) {
    struct mount_attr wanted = {0};
    for (size_t index = 0; index < sizeof attributes / sizeof *attributes; index++) {
        if ((flags & attributes[index].flag) == 0) continue;
        wanted.attr_set |= attributes[index].set;
        wanted.attr_clr |= attributes[index].clears;
        flags &= ~attributes[index].flag;
    }
    if (flags != 0) {
        errno = EINVAL;
        return -1;
    }
    int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) return -1;
    int result = 0;
    if ((wanted.attr_set | wanted.attr_clr) != 0) {
        result = mount_setattr(tree, "", AT_EMPTY_PATH, &wanted, sizeof wanted);
    }
    if (result == 0) result = move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
    int number = errno;
    close(tree);
    errno = number;
    return result;
}

uint64_t ashlar_mount_bind(void) { return MS_BIND; }
uint64_t ashlar_mount_remount(void) { return MS_REMOUNT; }
uint64_t ashlar_mount_read_only(void) { return MS_RDONLY; }

int ashlar_block_device_bytes(int fd, uint64_t *bytes) { return ioctl(fd, BLKGETSIZE64, bytes); }

static int drop(unsigned first, unsigned last, unsigned flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}

int ashlar_isolate_descriptors(int keep) {
    if (keep < 3) return drop(3, UINT_MAX, CLOSE_RANGE_UNSHARE);
    // An empty range is refused, so the first call unshares from 3 or from behind `keep`.
    if (keep > 3 && drop(3, (unsigned)keep - 1, CLOSE_RANGE_UNSHARE) != 0) return -1;
    return drop((unsigned)keep + 1, UINT_MAX, CLOSE_RANGE_UNSHARE);
}

bool ashlar_has_sys_resource(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (1u << CAP_SYS_RESOURCE)) != 0;
}

int ashlar_o_path(void) { return O_PATH; }

int ashlar_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

unsigned ashlar_device_major(uint64_t device) { return major(device); }
unsigned ashlar_device_minor(uint64_t device) { return minor(device); }
