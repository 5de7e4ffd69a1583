#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "CLinux.h"

int ashlar_open(const char *path, int flags, unsigned mode) { return open(path, flags, mode); }
int ashlar_openat(int directory, const char *path, int flags, unsigned mode) { return openat(directory, path, flags, mode); }
int ashlar_o_direct(void) { return O_DIRECT; }

int ashlar_fallocate(int fd, uint64_t bytes) { return fallocate(fd, 0, 0, (off_t)bytes); }
int ashlar_eventfd(void) { return eventfd(0, EFD_CLOEXEC); }

void ashlar_name_thread(const char *name) {
    char kept[16];
    strncpy(kept, name, sizeof kept - 1);
    kept[sizeof kept - 1] = 0;
    pthread_setname_np(pthread_self(), kept);
}
