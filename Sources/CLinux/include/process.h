// Processes and the packets between them: fork, pidfd, unix sockets with descriptors. For Holder and its tests.
#ifndef ASHLAR_PROCESS_H
#define ASHLAR_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// All calls return -errno on failure.

// Sequenced packets on unix sockets; every descriptor is non-blocking and closed on exec.
int ashlar_packet_pair(int ends[2]);
// The socket's file has mode 0600; what was at `path` goes first.
int ashlar_packet_listen(const char *path);
int ashlar_packet_accept(int listener);
// Waits for nothing: -ECONNREFUSED or -ENOENT where nobody listens.
int ashlar_packet_connect(const char *path);
// `descriptor` -1: none. It is duplicated for the receiver. -EAGAIN while the receiver's queue is full.
int ashlar_packet_send(int socket, const void *bytes, size_t count, int descriptor);
// Returns the packet's length, 0 where the other side is gone, -EAGAIN where none waits, -EMSGSIZE for one that is longer than `capacity`.
// `*descriptor` is owned by the caller, or -1: none came, or this process may have no more.
int ashlar_packet_receive(int socket, void *bytes, size_t capacity, int *descriptor);
// The process that listened at the other end's path, or connected.
int ashlar_packet_peer(int socket);

// Runs `executable` (any descriptor of it) with `words` (argv, NULL at the end; borrowed) in a child that has 0, 1, 2, `descriptor` as 3, `lock` as 4,
// and nothing else. Returns the child's number.
int ashlar_start_process(int executable, char *const *words, int descriptor, int lock);

int ashlar_process_descriptor(int process);
int ashlar_process_signal(int descriptor, int number);
// 1: the child is gone and `*code` is its exit code, or 128 and the signal's number; 0: not yet. -ECHILD: no child of ours.
int ashlar_process_reap(int descriptor, int *code);

// From now on each SIGTERM, SIGINT and SIGHUP writes its number as a byte to `pipe` (non-blocking), whatever thread it hits.
int ashlar_signals_to(int pipe);

#endif
