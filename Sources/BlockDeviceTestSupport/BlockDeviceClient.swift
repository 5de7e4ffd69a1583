import Base
import BlockDevice
import Glibc
import SystemIO

/// Uses a `BlockDevice` from `async` code, as a front end would: whole blocks, any number of calls at once.
///
/// `@unchecked Sendable`: all state is confined to the device's loop.
public final class BlockDeviceClient: BlockRequestOwner, @unchecked Sendable {
    private final class Call {
        let operation: BlockOperation
        let offset: UInt64
        let payload: [UInt8]
        let length: Int
        let forceUnitAccess: Bool
        let finish: (Result<[UInt8], Failure>) -> Void
        var buffer: AlignedBuffer?

        init(
            _ operation: BlockOperation, _ offset: UInt64, _ payload: [UInt8], _ length: Int, _ forceUnitAccess: Bool,
            _ finish: @escaping (Result<[UInt8], Failure>) -> Void
        ) {
            self.operation = operation
            self.offset = offset
            self.payload = payload
            self.length = length
            self.forceUnitAccess = forceUnitAccess
            self.finish = finish
        }
    }

    public let device: any BlockDevice
    private var inFlight: [UInt64: (request: BlockRequest, call: Call)] = [:]
    private var nextTag: UInt64 = 0
    private var waitingForRoom: [Call] = []
    private var isWaitingForRoom = false

    public init(_ device: any BlockDevice) { self.device = device }

    public func read(at offset: UInt64, length: Int) async throws(Failure) -> [UInt8] {
        try await call(.read, offset, [], length)
    }

    /// `bytes` is at most `requestBytesMax` long.
    public func write(_ bytes: [UInt8], at offset: UInt64, forceUnitAccess: Bool = false) async throws(Failure) {
        _ = try await call(.write, offset, bytes, bytes.count, forceUnitAccess)
    }

    public func flush() async throws(Failure) { _ = try await call(.flush, 0, [], 0) }

    public func discard(at offset: UInt64, length: Int) async throws(Failure) {
        _ = try await call(.discard, offset, [], length)
    }

    public func writeZeroes(at offset: UInt64, length: Int) async throws(Failure) {
        _ = try await call(.writeZeroes, offset, [], length)
    }

    private func call(
        _ operation: BlockOperation, _ offset: UInt64, _ payload: [UInt8], _ length: Int,
        _ forceUnitAccess: Bool = false
    ) async throws(Failure) -> [UInt8] {
        let result: Result<[UInt8], Failure> = await withCheckedContinuation { continuation in
            device.loop.post { [self] in
                begin(Call(operation, offset, payload, length, forceUnitAccess) { continuation.resume(returning: $0) })
            }
        }
        return try result.get()
    }

    private func begin(_ call: Call) {
        let request = BlockRequest(owner: self)
        request.operation = call.operation
        request.offset = call.offset
        request.length = call.length
        request.forceUnitAccess = call.forceUnitAccess
        switch call.operation {
        case .write:
            guard !isWaitingForRoom, let landing = device.landingBuffer(waiter: self) else {
                isWaitingForRoom = true
                waitingForRoom.append(call)
                return
            }
            call.payload.withUnsafeBytes {
                landing.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(landing), byteCount: $0.count)
            }
            request.buffer = landing
        case .read:
            call.buffer = AlignedBuffer(bytes: call.length)
            request.buffer = call.buffer?.base
        case .flush, .discard, .writeZeroes:
            break
        }
        request.tag = nextTag
        nextTag += 1
        inFlight[request.tag] = (request, call)
        device.submit(request)
    }

    public func roomAvailable() {
        isWaitingForRoom = false
        let calls = waitingForRoom
        waitingForRoom = []
        for call in calls { begin(call) }
    }

    public func completed(_ request: BlockRequest, result: Int32) {
        guard let (_, call) = inFlight.removeValue(forKey: request.tag) else {
            preconditionFailure("a request was completed twice")
        }
        if result != 0 {
            call.finish(.failure(Failure(errno: result, "\(call.operation) of \(call.length) bytes at \(call.offset)")))
        } else {
            call.finish(.success(call.buffer.map { Array($0.span.prefix(call.length)) } ?? []))
        }
    }
}
