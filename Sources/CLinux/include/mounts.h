// mount(2), umount2(2), block-device and file-table calls, for Filesystems and AttachFUSE.
#ifndef ASHLAR_MOUNTS_H
#define ASHLAR_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

// Each returns 0 or more, or -1 with errno set. Strings are borrowed; `data` may be NULL.
int ashlar_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data);
// Shows `source` at `target`, which has its flags (mount(2)'s, beside those of the source's mount) from the first moment on:
// a process that is killed leaves nothing, or all. EINVAL for a flag that is the whole filesystem's.
int ashlar_bind(const char *source, const char *target, uint64_t flags);
int ashlar_unmount(const char *target, bool lazy);

// mount(2)'s flag of an option word such as "noatime"; 0 where the word is the filesystem's own. `*clears` is set
// where the word takes the flag away ("rw", "exec").
uint64_t ashlar_mount_flag(const char *word, bool *clears);
uint64_t ashlar_mount_bind(void);
uint64_t ashlar_mount_remount(void);
uint64_t ashlar_mount_read_only(void);

int ashlar_block_device_bytes(int fd, uint64_t *bytes);

// Gives the calling thread a descriptor table of its own that holds 0, 1, 2 and `keep` (-1: nothing else).
int ashlar_isolate_descriptors(int keep);

int ashlar_o_path(void);
// Whether the process may do what only CAP_SYS_RESOURCE allows.
bool ashlar_has_sys_resource(void);

// Both ends are closed on exec.
int ashlar_pipe(int ends[2]);

unsigned ashlar_device_major(uint64_t device);
unsigned ashlar_device_minor(uint64_t device);

#endif
