#define _GNU_SOURCE
#include "allocations.h"

#include <errno.h>
#include <execinfo.h>
#include <stddef.h>
#include <unistd.h>

// glibc's own names of what is replaced here.
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

static _Thread_local unsigned long allocations;
static _Thread_local int traces;

static void count(void) {
    allocations++;
    if (traces == 0) return;
    int left = traces;
    traces = 0;  // the trace itself may allocate
    void *callers[24];
    backtrace_symbols_fd(callers, backtrace(callers, 24), 2);
    (void)!write(2, "--\n", 3);
    traces = left - 1;
}

unsigned long allocations_of_thread(void) { return allocations; }
void allocations_trace(int count) { traces = count; }

void *malloc(size_t bytes) {
    count();
    return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes) {
    count();
    return __libc_calloc(number, bytes);
}

void *realloc(void *memory, size_t bytes) {
    count();
    return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
    count();
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    count();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    count();
    void *taken = __libc_memalign(alignment, bytes);
    if (!taken) return ENOMEM;
    *memory = taken;
    return 0;
}
