// mount(2), umount2(2) and statfs, for Filesystems and AttachFUSE.
#ifndef ASHLAR_MOUNTS_H
#define ASHLAR_MOUNTS_H

#endif
