import CFuseProtocol
import Glibc

/// Requests that the kernel has on their way at once.
private let backgroundMax: UInt16 = 64

/// Answers, in the kernel's structures. All with the server's lock held.
extension FuseServer {
    static let opened = fuse_open_out(
        fh: 0, open_flags: UInt32(FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES), padding: 0)

    func replyInit(_ unique: UInt64) {
        let offered = argument(fuse_init_in.self)
        let wanted =
            UInt32(FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_PARALLEL_DIROPS | FUSE_ASYNC_DIO | FUSE_MAX_PAGES)
            | UInt32(FUSE_INIT_EXT)
        var answer = fuse_init_out()
        answer.major = UInt32(FUSE_KERNEL_VERSION)
        answer.minor = UInt32(FUSE_KERNEL_MINOR_VERSION)
        answer.flags = offered.flags & wanted
        // SQLite maps its shared index.
        answer.flags2 = offered.flags2 & fuse_direct_io_allow_mmap_in_flags2
        answer.max_background = backgroundMax
        answer.congestion_threshold = backgroundMax
        answer.max_write = UInt32(Self.requestBytesMax)
        answer.time_gran = 1
        answer.max_pages = UInt16(Self.requestBytesMax / 4096)
        reply(unique, answer)
    }

    private func attributes(_ node: Node) -> fuse_attr {
        var attributes = fuse_attr()
        attributes.ino = node.id
        attributes.size = UInt64(node.content?.bytes ?? 4096)
        attributes.blocks = attributes.size / 512
        attributes.mode = node.mode | (node.isDirectory ? S_IFDIR : S_IFREG)
        attributes.nlink = node.isDirectory ? 2 : 1
        attributes.blksize = 4096
        return attributes
    }

    /// Gives the kernel one more reference.
    func entry(_ node: Node) -> fuse_entry_out {
        node.lookupCount += 1
        nodes[node.id] = node
        var entry = fuse_entry_out()
        entry.nodeid = node.id
        entry.attr = attributes(node)
        return entry
    }

    func replyEntry(_ unique: UInt64, _ node: Node) { reply(unique, entry(node)) }

    func replyAttributes(_ unique: UInt64, _ node: Node) {
        var answer = fuse_attr_out()
        answer.attr = attributes(node)
        reply(unique, answer)
    }

    func replySpace(_ unique: UInt64) {
        var answer = fuse_statfs_out()
        answer.st.bsize = 4096
        answer.st.frsize = 4096
        answer.st.namelen = 255
        answer.st.blocks = UInt64(drive.totalBytes / 4096)
        answer.st.bfree = UInt64((drive.totalBytes - drive.usedBytes) / 4096)
        answer.st.bavail = answer.st.bfree
        reply(unique, answer)
    }

    func reply(_ unique: UInt64, error: Int32) {
        send(unique, error, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    func reply(_ unique: UInt64, bytes: UnsafeRawBufferPointer) { send(unique, 0, bytes) }

    func reply<T>(_ unique: UInt64, _ answer: T) { withUnsafeBytes(of: answer) { send(unique, 0, $0) } }

    /// A refused reply means that the kernel no longer waits for it.
    private func send(_ unique: UInt64, _ error: Int32, _ bytes: UnsafeRawBufferPointer) {
        var head = fuse_out_header(
            len: UInt32(MemoryLayout<fuse_out_header>.size + bytes.count), error: -error, unique: unique)
        withUnsafeMutableBytes(of: &head) { head in
            let vectors = [
                iovec(iov_base: head.baseAddress, iov_len: head.count),
                iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count),
            ]
            _ = writev(descriptor, vectors, bytes.isEmpty ? 1 : 2)
        }
    }
}
