// Counts what each thread of the process takes from the heap: the C library's functions are replaced by ones that count and call it.
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

// Of the calling thread, since it began.
unsigned long allocations_of_thread(void);
// The next `count` allocations of the calling thread are written to standard error with the addresses of their callers.
void allocations_trace(int count);

#endif
