#include "arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "csi.pb-c.h"

// Every allocation is preceded by its length, which is how a string's true length is known.
#define ALIGNMENT 16
#define FIRST_BLOCK_BYTES 4096

struct block {
    struct block *next;  // owned
    size_t capacity;
    size_t used;
    size_t reserved;
    // `capacity` bytes follow, at an offset that is a multiple of ALIGNMENT.
};

struct ashlar_arena {
    struct block *first;  // owned; the block that is being filled
    size_t bytes_max;
    size_t bytes;  // of all blocks
};

_Static_assert(sizeof(struct block) % ALIGNMENT == 0, "what follows a block must be aligned");
_Static_assert(sizeof(struct ashlar_map_entry) == sizeof(Csi__V1__Topology__SegmentsEntry), "layout of map entries");
_Static_assert(offsetof(struct ashlar_map_entry, key) == offsetof(Csi__V1__Topology__SegmentsEntry, key), "key");
_Static_assert(offsetof(struct ashlar_map_entry, value) == offsetof(Csi__V1__Topology__SegmentsEntry, value), "value");

struct ashlar_arena *ashlar_arena_create(size_t bytes_max) {
    struct ashlar_arena *arena = calloc(1, sizeof *arena);
    if (arena) arena->bytes_max = bytes_max;
    return arena;
}

void ashlar_arena_destroy(struct ashlar_arena *arena) {
    if (!arena) return;
    for (struct block *block = arena->first; block;) {
        struct block *next = block->next;
        explicit_bzero(block + 1, block->used);
        free(block);
        block = next;
    }
    free(arena);
}

static bool add_block(struct ashlar_arena *arena, size_t bytes) {
    size_t capacity = arena->first ? arena->first->capacity * 2 : FIRST_BLOCK_BYTES;
    size_t left = arena->bytes_max - arena->bytes;
    if (capacity > left) capacity = left & ~(size_t)(ALIGNMENT - 1);
    if (capacity < bytes) capacity = bytes;
    if (capacity > left) return false;
    struct block *block = malloc(sizeof *block + capacity);
    if (!block) return false;
    *block = (struct block){.next = arena->first, .capacity = capacity};
    arena->first = block;
    arena->bytes += capacity;
    return true;
}

void *ashlar_arena_allocate(struct ashlar_arena *arena, size_t bytes) {
    if (bytes > arena->bytes_max) return NULL;
    size_t whole = ALIGNMENT + ((bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
    struct block *block = arena->first;
    if (!block || block->capacity - block->used < whole) {
        if (!add_block(arena, whole)) return NULL;
        block = arena->first;
    }
    uint8_t *start = (uint8_t *)(block + 1) + block->used;
    block->used += whole;
    memcpy(start, &bytes, sizeof bytes);
    return start + ALIGNMENT;
}

static void *allocate(void *arena, size_t bytes) { return ashlar_arena_allocate(arena, bytes); }

// Freed with the arena.
static void release(void *arena, void *pointer) {
    (void)arena;
    (void)pointer;
}

ProtobufCMessage *ashlar_arena_unpack(struct ashlar_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                                      const uint8_t *data, size_t bytes) {
    ProtobufCAllocator allocator = {.alloc = allocate, .free = release, .allocator_data = arena};
    return protobuf_c_message_unpack(descriptor, &allocator, bytes, data);
}

size_t ashlar_arena_string_bytes(const char *string) {
    if (!string || string == protobuf_c_empty_string) return 0;
    size_t bytes;
    memcpy(&bytes, string - ALIGNMENT, sizeof bytes);
    return bytes - 1;  // protobuf-c allocates one more, for the NUL
}
