// An arena for protobuf-c messages: everything in it is freed at once, and its size is bounded, so that a hostile
// message cannot make the unpacked form arbitrarily large.
#ifndef ASHLAR_ARENA_H
#define ASHLAR_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct ashlar_arena;  // opaque; used by one thread at a time

// Owned by the caller, who gives it back to ashlar_arena_destroy. NULL where there is no memory.
struct ashlar_arena *ashlar_arena_create(size_t bytes_max);
// Overwrites what was allocated (secrets pass through here), then frees it.
void ashlar_arena_destroy(struct ashlar_arena *arena);

// Borrowed from the arena, aligned for any type, not initialized. NULL past the bound.
void *ashlar_arena_allocate(struct ashlar_arena *arena, size_t bytes);

// The message that `data` encodes, borrowed from the arena. NULL where it is malformed or unpacks past the bound.
ProtobufCMessage *ashlar_arena_unpack(struct ashlar_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                                      const uint8_t *data, size_t bytes);

// Bytes on the wire of a string that ashlar_arena_unpack made: more than strlen says where it contains a NUL.
size_t ashlar_arena_string_bytes(const char *string);

// How protoc-c lays out every entry of a map<string, string>.
struct ashlar_map_entry {
    ProtobufCMessage base;
    char *key;    // borrowed from the arena
    char *value;  // borrowed from the arena
};

#endif
