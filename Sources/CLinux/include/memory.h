// Memory that another process reads when this one is dead.
#ifndef ASHLAR_MEMORY_H
#define ASHLAR_MEMORY_H

#include <stdint.h>

// Stores after everything that was stored before, as whoever looks later sees it. `place` is borrowed, and aligned to its size.
static inline void ashlar_store_release_u32(void *place, uint32_t value) {
    __atomic_store_n((uint32_t *)place, value, __ATOMIC_RELEASE);
}
static inline void ashlar_store_release_u64(void *place, uint64_t value) {
    __atomic_store_n((uint64_t *)place, value, __ATOMIC_RELEASE);
}

// 1 where the file lies in a tmpfs, 0 where not, -1 with errno on failure.
int ashlar_is_on_tmpfs(int fd);

#endif
