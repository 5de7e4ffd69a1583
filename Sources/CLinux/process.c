#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const int kind = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;

// What is sent at once must fit: some 300 bytes and a descriptor take 1.3 KiB of the sender's memory, and a host may have hundreds of devices with two each.
// Without CAP_NET_ADMIN it stays at net.core.wmem_max; what does not fit waits with the sender then.
static void widen(int socket) {
    int bytes = 64 << 20;
    if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

int ashlar_packet_pair(int ends[2]) {
    if (socketpair(AF_UNIX, kind, 0, ends) < 0) return -errno;
    widen(ends[0]);
    widen(ends[1]);
    return 0;
}

static int address(const char *path, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
    strcpy(address->sun_path, path);
    return 0;
}

static int failed(int socket) {
    int error = errno;
    close(socket);
    return -error;
}

int ashlar_packet_listen(const char *path) {
    struct sockaddr_un name;
    int result = address(path, &name);
    if (result < 0) return result;
    int listener = socket(AF_UNIX, kind, 0);
    if (listener < 0) return -errno;
    unlink(path);
    // Nobody can connect before it listens, and by then it is ours alone.
    if (bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || chmod(path, S_IRUSR | S_IWUSR) < 0 ||
        listen(listener, 8) < 0)
        return failed(listener);
    return listener;
}

int ashlar_packet_accept(int listener) {
    int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) return -errno;
    widen(socket);
    return socket;
}

int ashlar_packet_connect(const char *path) {
    struct sockaddr_un name;
    int result = address(path, &name);
    if (result < 0) return result;
    int end = socket(AF_UNIX, kind, 0);
    if (end < 0) return -errno;
    if (connect(end, (struct sockaddr *)&name, sizeof name) < 0) return failed(end);
    widen(end);
    return end;
}

int ashlar_packet_send(int socket, const void *bytes, size_t count, int descriptor) {
    struct iovec vector = {(void *)bytes, count};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (descriptor >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
        control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
    }
    ssize_t result;
    do {
        result = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

int ashlar_packet_receive(int socket, void *bytes, size_t capacity, int *descriptor) {
    struct iovec vector = {bytes, capacity};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *descriptor = -1;
    ssize_t result;
    do {
        result = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        // ECONNRESET, once: the other side died with something of ours unread. What it had sent before is still to be had.
    } while (result < 0 && (errno == EINTR || errno == ECONNRESET));
    if (result < 0) return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC) && *descriptor >= 0) {
        close(*descriptor);
        *descriptor = -1;
    }
    return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : (int)result;
}

int ashlar_packet_peer(int socket) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -errno;
    return peer.pid;
}

// Between fork and exec: only calls that are safe in a child of a process with threads.
static void become(int executable, char *const *words, int descriptor, int lock) {
    extern char **environ;
    // Away from 3 and 4, where others must be.
    executable = fcntl(executable, F_DUPFD_CLOEXEC, 5);
    descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 5);
    lock = fcntl(lock, F_DUPFD_CLOEXEC, 5);
    if (executable < 0 || dup2(descriptor, 3) < 0 || dup2(lock, 4) < 0) return;
    if (syscall(SYS_close_range, 5, ~0u, CLOSE_RANGE_CLOEXEC) < 0) return;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    syscall(SYS_execveat, executable, "", words, environ, AT_EMPTY_PATH);
    // A script's interpreter opens it by the descriptor's number, and needs it open (execveat(2), BUGS).
    if (errno == ENOENT && fcntl(executable, F_SETFD, 0) == 0)
        syscall(SYS_execveat, executable, "", words, environ, AT_EMPTY_PATH);
}

int ashlar_start_process(int executable, char *const *words, int descriptor, int lock) {
    pid_t child = fork();
    if (child < 0) return -errno;
    if (child > 0) return child;
    become(executable, words, descriptor, lock);
    static const char text[] = "ashlar: the worker's program cannot be started\n";
    (void)!write(2, text, sizeof text - 1);
    _exit(126);
}

int ashlar_process_descriptor(int process) {
    int descriptor = (int)syscall(SYS_pidfd_open, process, 0);
    return descriptor < 0 ? -errno : descriptor;
}

int ashlar_process_signal(int descriptor, int number) {
    return syscall(SYS_pidfd_send_signal, descriptor, number, NULL, 0) < 0 ? -errno : 0;
}

int ashlar_process_reap(int descriptor, int *code) {
    siginfo_t info = {0};
    if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)descriptor, &info, WEXITED | WNOHANG) < 0) return -errno;
    if (info.si_pid == 0) return 0;
    *code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return 1;
}

static int signal_pipe = -1;

static void tell(int number) {
    int error = errno;
    char byte = (char)number;
    (void)!write(signal_pipe, &byte, 1);
    errno = error;
}

int ashlar_signals_to(int pipe) {
    signal_pipe = pipe;
    struct sigaction action = {.sa_handler = tell, .sa_flags = SA_RESTART};
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        if (sigaction(numbers[index], &action, NULL) < 0) return -errno;
    }
    return 0;
}
