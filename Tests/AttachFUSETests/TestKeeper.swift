import Attach
import Base
import BlockDevice
import CLinux
import Foundation
import Glibc
import Synchronization
import SystemIO
import Testing

/// One end of a connection between test processes: short texts, each with a descriptor or none. Blocks.
final class TestChannel: Sendable {
    let socket: FileDescriptor

    init(_ number: Int32) throws {
        guard number >= 0 else { throw Failure(errno: -number, "no connection between test processes") }
        socket = FileDescriptor(owning: number)
    }

    func send(_ text: String, _ descriptor: Int32 = -1) {
        let bytes = Array(text.utf8)
        let result = ashlar_packet_send(socket.number, bytes, bytes.count, descriptor)
        if result != 0, result != -EPIPE { Issue.record("a text was not sent: errno \(-result)") }
    }

    /// Nil where none comes in time, or the other side is gone.
    func receive(milliseconds: Int32 = 20_000) -> (text: String, descriptor: FileDescriptor?)? {
        guard isReadable(socket, milliseconds) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        var number: Int32 = -1
        let count = ashlar_packet_receive(socket.number, &buffer, buffer.count, &number)
        let descriptor = number >= 0 ? FileDescriptor(owning: number) : nil
        return count > 0 ? (String(decoding: buffer[0..<Int(count)], as: UTF8.self), descriptor) : nil
    }
}

private func isReadable(_ descriptor: FileDescriptor, _ milliseconds: Int32) -> Bool {
    var wanted = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
    while true {
        let result = poll(&wanted, 1, milliseconds)
        if result >= 0 || errno != EINTR { return result > 0 }
    }
}

private func handle(_ facts: String) throws -> DeviceHandle {
    try JSONDecoder().decode(DeviceHandle.self, from: Data(facts.utf8))
}

/// The serving process's side.
struct TestKeeper: DeviceKeeper {
    let channel: TestChannel

    func keep(_ handle: DeviceHandle, _ descriptors: [Int32]) {
        guard let facts = try? JSONEncoder().encode(handle) else { return }
        for descriptor in descriptors { channel.send("keep" + String(decoding: facts, as: UTF8.self), descriptor) }
    }

    func forget(_ volume: VolumeID) { channel.send("forget") }

    /// What the process before had.
    func adopted() throws -> [KeptDevice] {
        var devices: [KeptDevice] = []
        while let (text, descriptor) = channel.receive(), text != "complete" {
            guard let descriptor else { continue }
            if devices.isEmpty { devices = [KeptDevice(handle: try handle(text), descriptors: [])] }
            devices[0].descriptors.append(descriptor)
        }
        return devices
    }
}

/// The side of the process that keeps the descriptors. Used by one thread at a time.
final class TestParent: Sendable {
    private struct State {
        var channel: TestChannel?
        var process: Int32 = 0
        var facts = ""
        var descriptors: [FileDescriptor] = []
    }

    private let listener: FileDescriptor
    private let state = Mutex(State())

    init(path: String) throws {
        let number = ashlar_packet_listen(path)
        guard number >= 0 else { throw Failure(errno: -number, "cannot listen at \(path)") }
        listener = FileDescriptor(owning: number)
    }

    /// Gives a new process what there is, and returns when it serves.
    func welcome() throws(Failure) {
        guard isReadable(listener, 20_000), let channel = try? TestChannel(ashlar_packet_accept(listener.number)) else {
            throw Failure(.timedOut, "no process came")
        }
        let process = ashlar_packet_peer(channel.socket.number)
        let (facts, descriptors) = state.withLock { state in
            (state.channel, state.process) = (channel, process)
            return (state.facts, state.descriptors)
        }
        for descriptor in descriptors { channel.send(facts, descriptor.number) }
        channel.send("complete")
        try listen(until: "serving")
    }

    /// What it has now. Not the channel's any more.
    func kept() throws -> KeptDevice {
        try state.withLock { state in
            defer { state.descriptors = [] }
            return KeptDevice(handle: try handle(state.facts), descriptors: state.descriptors)
        }
    }

    func kill() { _ = Glibc.kill(state.withLock { $0.process }, SIGKILL) }

    /// The device is removed; returns what the process says at its end.
    func stop() throws(Failure) -> String {
        state.withLock { $0.channel }?.send("stop")
        return try listen(until: "stopped")
    }

    @discardableResult
    private func listen(until end: String) throws(Failure) -> String {
        let channel = state.withLock { $0.channel }
        while let (text, descriptor) = channel?.receive() {
            if text.hasPrefix(end) { return text }
            state.withLock { state in
                if text == "forget" { state.descriptors = [] }
                guard text.hasPrefix("keep"), let descriptor else { return }
                state.facts = String(text.dropFirst(4))
                state.descriptors.append(descriptor)
            }
        }
        throw Failure(.timedOut, "the process did not say \(end)")
    }
}

/// One volume, in a file of tmpfs.
final class SharedMemoryOpener: VolumeOpener {
    private let device: SharedMemoryDevice
    /// Connections that were named, in order.
    let connections = Mutex<[UInt64]>([])
    /// Failures of the next openings.
    let failures: Mutex<[Failure]>

    init(_ device: SharedMemoryDevice, failures: [Failure] = []) {
        self.device = device
        self.failures = Mutex(failures)
    }

    func openVolume(
        _ id: VolumeID, epoch: UInt64, readOnly: Bool, connection: UInt64
    ) async throws(Failure) -> any BlockDevice {
        connections.withLock { $0.append(connection) }
        if let failure = failures.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { throw failure }
        return device
    }

    func closeVolume(_ id: VolumeID) async throws(Failure) {}
}

/// Keeps the descriptors of one device in this very process.
final class OneDevice: DeviceKeeper {
    private let device = Mutex<KeptDevice?>(nil)

    var kept: KeptDevice? { device.withLock { $0 } }

    func keep(_ handle: DeviceHandle, _ descriptors: [Int32]) {
        let duplicates = descriptors.map { FileDescriptor(owning: fcntl($0, F_DUPFD_CLOEXEC, 3)) }
        device.withLock { $0 = KeptDevice(handle: handle, descriptors: duplicates) }
    }

    func forget(_ volume: VolumeID) { device.withLock { $0 = nil } }
}
