import Base
import CFuseProtocol
import CLinux
import Glibc
import SystemIO

/// Serves one drive at one mount point over /dev/fuse, with nothing cached in the kernel: every file is unbuffered, names and attributes
/// are asked for each time.
///
/// What is durable is what the kernel says must be: FSYNC and FSYNCDIR, and a WRITE whose open flags have `O_DSYNC`. The kernel sends
/// that flag for `RWF_DSYNC` too, and no FSYNC after it, on files opened with `FOPEN_DIRECT_IO` (`fuse_write_flags` in fs/fuse/file.c).
final class FuseServer: @unchecked Sendable {
    // Everything below is guarded by `lock`.
    static let requestBytesMax = 1 << 20
    /// Room for a WRITE's headers before its payload.
    private static let headBytes = MemoryLayout<fuse_in_header>.size + MemoryLayout<fuse_write_in>.size

    let path: String
    let drive: Drive
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private(set) var descriptor: Int32 = -1
    /// Each request waits so long before it is looked at.
    var delayMicroseconds: UInt32 = 0
    /// Mounts so far: descriptors get the same number again.
    private var mountCount = 0
    private let buffer: UnsafeMutableRawPointer
    private let bufferBytes = requestBytesMax + 2 * 4096
    /// What the kernel has a reference to.
    var nodes: [UInt64: Node] = [:]
    private var listings: [UInt64: [(name: String, node: Node)]] = [:]
    private var nextHandle: UInt64 = 1
    /// Without power everything is answered EIO.
    private var hasPower = true

    init(path: String, drive: Drive) {
        self.path = path
        self.drive = drive
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        buffer = .allocate(byteCount: bufferBytes, alignment: 4096)
    }

    func withLock<R>(_ body: () throws(Failure) -> R) throws(Failure) -> R {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body()
    }

    // MARK: Life

    /// Mounts the drive, over nothing of an earlier mount, and serves it on a thread of its own.
    func mount() throws(Failure) {
        let opened = try FileDescriptor(opening: "/dev/fuse", flags: O_RDWR | O_NONBLOCK | O_CLOEXEC, "open /dev/fuse")
        let options =
            "fd=\(opened.number),rootmode=40000,user_id=0,group_id=0,allow_other,max_read=\(Self.requestBytesMax)"
        try systemCall("cannot mount at \(path)") { ashlar_mount("volatile-drive", path, "fuse", 0, options) }
        let number = opened.number
        opened.disown()
        try withLock { () throws(Failure) in
            descriptor = number
            mountCount += 1
            nodes = [1: drive.root]
            listings = [:]
            hasPower = true
        }
        let mount = mountCount
        Thread(name: "volatile-drive") { self.serve(number, mount) }.start()
    }

    /// Whoever still has it open is answered with errors.
    func unmount() throws(Failure) {
        _ = ashlar_unmount(path, true)
        try withLock { () throws(Failure) in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
            nodes = [:]
            listings = [:]
        }
    }

    private func serve(_ number: Int32, _ mount: Int) {
        while true {
            var waiting = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            let isThere = poll(&waiting, 1, 1000) > 0
            pthread_mutex_lock(lock)
            let delay = delayMicroseconds
            pthread_mutex_unlock(lock)
            // Not with the lock: power may go meanwhile.
            if isThere, delay > 0 { usleep(delay) }
            pthread_mutex_lock(lock)
            let isOver = mountCount != mount || descriptor != number || !answerOne()
            pthread_mutex_unlock(lock)
            if isOver { return }
        }
    }

    /// False when the mount is gone.
    private func answerOne() -> Bool {
        let count = receive()
        if count < 0 { return errno == EAGAIN || errno == EINTR || errno == ENOENT }
        answer()
        return true
    }

    private func receive() -> Int { read(descriptor, buffer, bufferBytes) }

    // MARK: Power

    /// With the locks of all drives held: what the kernel has queued was under way when the power went, so of its writes any part may be
    /// there; nobody is answered yet.
    func takeLastWrites() -> [UInt64] {
        var unanswered: [UInt64] = []
        while receive() > 0 {
            if header.opcode == FUSE_WRITE.rawValue, let content = nodes[header.nodeid]?.content {
                let request = argument(fuse_write_in.self)
                if Int(request.offset) + Int(request.size) <= FileContent.fileBytesMax {
                    content.write(payload(Int(request.size)), at: Int(request.offset))
                }
            }
            unanswered.append(header.unique)
        }
        return unanswered
    }

    /// With the lock held.
    func cut(_ mode: CutMode, _ random: inout SeededRandom, refusing unanswered: [UInt64]) -> CutSummary {
        hasPower = false
        let summary = drive.resolve(mode, &random)
        for unique in unanswered { reply(unique, error: EIO) }
        return summary
    }

    // MARK: Requests

    private var header: fuse_in_header { buffer.load(as: fuse_in_header.self) }

    func argument<T>(_ type: T.Type) -> T {
        buffer.loadUnaligned(fromByteOffset: MemoryLayout<fuse_in_header>.size, as: type)
    }

    /// The name after a structure of `bytes` bytes, and where the next one begins.
    private func name(after bytes: Int) -> (name: String, end: Int) {
        let start = buffer + MemoryLayout<fuse_in_header>.size + bytes
        let text = start.assumingMemoryBound(to: CChar.self)
        return (String(cString: text), bytes + strlen(text) + 1)
    }

    private func payload(_ bytes: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: buffer + Self.headBytes, count: bytes)
    }

    private func node(_ id: UInt64) throws(Refusal) -> Node {
        guard let node = nodes[id] else { throw Refusal(ESTALE) }
        return node
    }

    private func content(_ id: UInt64) throws(Refusal) -> FileContent {
        guard let content = try node(id).content else { throw Refusal(EISDIR) }
        return content
    }

    private func answer() {
        let unique = header.unique
        switch header.opcode {
        case FUSE_INIT.rawValue: return replyInit(unique)
        case FUSE_FORGET.rawValue: return forget(header.nodeid, argument(fuse_forget_in.self).nlookup)
        case FUSE_BATCH_FORGET.rawValue: return forgetMany()
        case FUSE_INTERRUPT.rawValue: return
        default: break
        }
        guard hasPower else { return reply(unique, error: EIO) }
        do throws(Refusal) { try carryOut(unique) } catch { reply(unique, error: error.number) }
    }

    private func carryOut(_ unique: UInt64) throws(Refusal) {
        let id = header.nodeid
        switch header.opcode {
        case FUSE_LOOKUP.rawValue: replyEntry(unique, try drive.find(name(after: 0).name, in: try node(id)))
        case FUSE_GETATTR.rawValue: replyAttributes(unique, try node(id))
        case FUSE_SETATTR.rawValue: try setAttributes(unique, try node(id))
        case FUSE_MKDIR.rawValue:
            let request = argument(fuse_mkdir_in.self)
            let made = try drive.make(
                name(after: MemoryLayout<fuse_mkdir_in>.size).name, in: try node(id), mode: request.mode,
                isDirectory: true)
            replyEntry(unique, made)
        case FUSE_CREATE.rawValue: try create(unique, try node(id))
        case FUSE_UNLINK.rawValue, FUSE_RMDIR.rawValue:
            try drive.remove(
                name(after: 0).name, in: try node(id), isDirectory: header.opcode == FUSE_RMDIR.rawValue)
            reply(unique, error: 0)
        case FUSE_RENAME.rawValue:
            try rename(unique, to: argument(fuse_rename_in.self).newdir, MemoryLayout<fuse_rename_in>.size, flags: 0)
        case FUSE_RENAME2.rawValue:
            let request = argument(fuse_rename2_in.self)
            try rename(unique, to: request.newdir, MemoryLayout<fuse_rename2_in>.size, flags: request.flags)
        case FUSE_OPEN.rawValue:
            _ = try content(id)
            reply(unique, Self.opened)
        case FUSE_OPENDIR.rawValue:
            listings[nextHandle] = try node(id).entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            nextHandle += 1
            reply(unique, fuse_open_out(fh: nextHandle - 1, open_flags: 0, padding: 0))
        case FUSE_READDIR.rawValue: try list(unique)
        case FUSE_RELEASEDIR.rawValue:
            listings[argument(fuse_release_in.self).fh] = nil
            reply(unique, error: 0)
        case FUSE_RELEASE.rawValue, FUSE_FLUSH.rawValue, FUSE_DESTROY.rawValue: reply(unique, error: 0)
        default: try carryOutData(unique, id)
        }
    }

    private func carryOutData(_ unique: UInt64, _ id: UInt64) throws(Refusal) {
        switch header.opcode {
        case FUSE_READ.rawValue:
            let request = argument(fuse_read_in.self)
            reply(unique, bytes: try content(id).read(at: Int(request.offset), count: Int(request.size)))
        case FUSE_WRITE.rawValue:
            let request = argument(fuse_write_in.self)
            let (file, offset, count) = (try content(id), Int(request.offset), Int(request.size))
            try drive.admit(file, size: offset + count)
            file.write(payload(count), at: offset)
            if Int32(bitPattern: request.flags) & O_DSYNC != 0 { drive.synchronize(file, at: offset, count: count) }
            reply(unique, fuse_write_out(size: request.size, padding: 0))
        case FUSE_FSYNC.rawValue:
            drive.synchronize(try content(id))
            reply(unique, error: 0)
        case FUSE_FSYNCDIR.rawValue:
            drive.synchronizeNames()
            reply(unique, error: 0)
        case FUSE_FALLOCATE.rawValue: try allocate(unique, try content(id))
        case FUSE_STATFS.rawValue: replySpace(unique)
        default: throw Refusal(ENOSYS)
        }
    }

    private func create(_ unique: UInt64, _ directory: Node) throws(Refusal) {
        let request = argument(fuse_create_in.self)
        let made = try drive.make(
            name(after: MemoryLayout<fuse_create_in>.size).name, in: directory, mode: request.mode, isDirectory: false)
        reply(unique, (entry(made), Self.opened))
    }

    private func rename(_ unique: UInt64, to directory: UInt64, _ bytes: Int, flags: UInt32) throws(Refusal) {
        let noReplace: UInt32 = 1  // RENAME_NOREPLACE
        guard flags & ~noReplace == 0 else { throw Refusal(EINVAL) }
        let old = name(after: bytes)
        let new = name(after: old.end)
        try drive.move(
            old.name, in: try node(header.nodeid), to: new.name, in: try node(directory), mayReplace: flags == 0)
        reply(unique, error: 0)
    }

    private func setAttributes(_ unique: UInt64, _ node: Node) throws(Refusal) {
        let request = argument(fuse_setattr_in.self)
        if request.valid & UInt32(FATTR_MODE) != 0 { node.mode = request.mode & 0o7777 }
        if request.valid & UInt32(FATTR_SIZE) != 0 {
            guard let content = node.content else { throw Refusal(EISDIR) }
            try drive.admit(content, size: Int(request.size))
            content.truncate(to: Int(request.size))
        }
        replyAttributes(unique, node)
    }

    private func allocate(_ unique: UInt64, _ file: FileContent) throws(Refusal) {
        let request = argument(fuse_fallocate_in.self)
        let (keepSize, punchHole, zeroRange): (UInt32, UInt32, UInt32) = (0x01, 0x02, 0x10)  // linux/falloc.h
        guard request.mode & ~(keepSize | punchHole | zeroRange) == 0 else { throw Refusal(EOPNOTSUPP) }
        let (offset, end) = (Int(request.offset), Int(request.offset + request.length))
        if request.mode & keepSize == 0 {
            try drive.admit(file, size: end)
            if end > file.bytes { file.truncate(to: end) }
        }
        if request.mode & (punchHole | zeroRange) != 0 {
            file.writeZeros(at: offset, count: min(end, file.bytes) - offset)
        }
        reply(unique, error: 0)
    }

    private func list(_ unique: UInt64) throws(Refusal) {
        let request = argument(fuse_read_in.self)
        guard let entries = listings[request.fh] else { throw Refusal(EBADF) }
        var bytes: [UInt8] = []
        for index in Int(request.offset)..<max(entries.count, Int(request.offset)) {
            let (name, node) = entries[index]
            var entry = fuse_dirent()
            entry.ino = node.id
            entry.off = UInt64(index + 1)
            entry.namelen = UInt32(name.utf8.count)
            entry.type = UInt32(node.isDirectory ? DT_DIR : DT_REG)
            let length = MemoryLayout<fuse_dirent>.size + name.utf8.count
            let padding = (8 - length % 8) % 8
            if bytes.count + length + padding > Int(request.size) { break }
            withUnsafeBytes(of: entry) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: repeatElement(0, count: padding))
        }
        bytes.withUnsafeBytes { reply(unique, bytes: $0) }
    }

    // MARK: The kernel's references

    private func forget(_ id: UInt64, _ count: UInt64) {
        guard id != 1, let node = nodes[id] else { return }
        node.lookupCount -= min(count, node.lookupCount)
        if node.lookupCount == 0 { nodes[id] = nil }
    }

    private func forgetMany() {
        let count = Int(argument(fuse_batch_forget_in.self).count)
        let first = MemoryLayout<fuse_in_header>.size + MemoryLayout<fuse_batch_forget_in>.size
        for index in 0..<count {
            let one = buffer.loadUnaligned(
                fromByteOffset: first + index * MemoryLayout<fuse_forget_one>.size, as: fuse_forget_one.self)
            forget(one.nodeid, one.nlookup)
        }
    }
}
