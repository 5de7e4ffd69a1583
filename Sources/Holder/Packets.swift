import Base
import CLinux
import Foundation
import Glibc
import SystemIO

/// One end of a sequenced-packet connection. Nothing waits: what the other side has no room for stays in `backlog` and goes with `flush`.
/// Not shared between threads without a lock.
public final class PacketConnection {
    /// Packets that may wait; a side that does not read so many is treated as gone.
    private static let backlogCountMax = 8192

    public let socket: FileDescriptor
    private var backlog: [(bytes: [UInt8], descriptor: FileDescriptor?)] = []
    private var buffer = [UInt8](repeating: 0, count: Message.bytesMax)
    /// The other side is gone and all that it said was received, or it says what cannot be understood.
    public private(set) var isOver = false
    /// The other side takes nothing more; what it sent before may still be to be received.
    private var cannotSend = false

    public init(_ socket: FileDescriptor) { self.socket = socket }

    /// Two ends.
    public static func pair() throws(Failure) -> (FileDescriptor, FileDescriptor) {
        var ends: [Int32] = [0, 0]
        let result = ashlar_packet_pair(&ends)
        guard result == 0 else { throw Failure(errno: -result, "cannot make a pair of sockets") }
        return (FileDescriptor(owning: ends[0]), FileDescriptor(owning: ends[1]))
    }

    /// Nil where nobody listens at `path`.
    public static func connect(to path: String) throws(Failure) -> PacketConnection? {
        let number = ashlar_packet_connect(path)
        if number == -ECONNREFUSED || number == -ENOENT { return nil }
        guard number >= 0 else { throw Failure(errno: -number, "cannot connect to \(path)") }
        return PacketConnection(FileDescriptor(owning: number))
    }

    public static func listen(at path: String) throws(Failure) -> FileDescriptor {
        let number = ashlar_packet_listen(path)
        guard number >= 0 else { throw Failure(errno: -number, "cannot listen at \(path)") }
        return FileDescriptor(owning: number)
    }

    /// Nil where nobody waits any more.
    public static func accept(_ listener: FileDescriptor) -> PacketConnection? {
        let number = ashlar_packet_accept(listener.number)
        return number < 0 ? nil : PacketConnection(FileDescriptor(owning: number))
    }

    /// The process at the other end.
    public var peer: Int32? {
        let process = ashlar_packet_peer(socket.number)
        return process > 0 ? process : nil
    }

    public var hasBacklog: Bool { !backlog.isEmpty && !isOver && !cannotSend }

    public func send(_ message: Message, _ descriptor: FileDescriptor? = nil) {
        guard !isOver, !cannotSend, let bytes = try? JSONEncoder().encode(message) else { return }
        precondition(bytes.count <= Message.bytesMax, "a packet is too long")
        backlog.append((Array(bytes), descriptor))
        if backlog.count > Self.backlogCountMax { isOver = true }
        flush()
    }

    public func flush() {
        var sent = 0
        while sent < backlog.count, !isOver, !cannotSend {
            let (bytes, descriptor) = backlog[sent]
            let result = ashlar_packet_send(socket.number, bytes, bytes.count, descriptor?.number ?? -1)
            // ETOOMANYREFS: the receiver has to take descriptors first.
            if result == -EAGAIN || result == -ETOOMANYREFS { break }
            if result < 0 { cannotSend = true }
            sent += 1
        }
        backlog.removeFirst(min(sent, backlog.count))
        if isOver || cannotSend { backlog = [] }
    }

    /// Nil where none waits now, or the connection is over.
    public func receive() -> (message: Message, descriptor: FileDescriptor?)? {
        guard !isOver else { return nil }
        var number: Int32 = -1
        let count = ashlar_packet_receive(socket.number, &buffer, buffer.count, &number)
        let descriptor = number >= 0 ? FileDescriptor(owning: number) : nil
        if count == -EAGAIN { return nil }
        guard count > 0, let message = try? JSONDecoder().decode(Message.self, from: Data(buffer[0..<Int(count)]))
        else {
            isOver = true
            return nil
        }
        return (message, descriptor)
    }
}

/// Waits until one of `descriptors` can be read (or, of those in `writing`, written), or is over. Returns those; none: time is up.
/// Nil waits for ever.
func waitForPackets(_ descriptors: [Int32], writing: [Int32] = [], milliseconds: Int?) -> Set<Int32> {
    var list = descriptors.map { number in
        pollfd(fd: number, events: Int16(POLLIN | (writing.contains(number) ? POLLOUT : 0)), revents: 0)
    }
    let timeout = Int32(clamping: milliseconds ?? -1)
    guard poll(&list, nfds_t(list.count), timeout) > 0 else { return [] }
    return Set(list.filter { $0.revents != 0 }.map(\.fd))
}
