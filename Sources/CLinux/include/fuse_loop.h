// FUSE's wire structures and the loop device's ioctls, for AttachFUSE.
#ifndef ASHLAR_FUSE_LOOP_H
#define ASHLAR_FUSE_LOOP_H

#endif
