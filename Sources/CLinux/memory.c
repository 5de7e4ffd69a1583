#include "memory.h"

#include <linux/magic.h>
#include <sys/vfs.h>

int ashlar_is_on_tmpfs(int fd) {
    struct statfs filesystem;
    if (fstatfs(fd, &filesystem) != 0) return -1;
    return filesystem.f_type == TMPFS_MAGIC;
}
