import Base
import CGRPC
import Synchronization

/// The replies of a server-streaming call, read by one task, once. A message is asked for when it is wanted: a slow
/// reader slows the server down. Dropping the stream before its end cancels the call.
public struct GRPCStream: AsyncSequence, Sendable {
    public typealias Element = [UInt8]
    public typealias Failure = Base.Failure

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let reader: StreamReader

        /// Nil after a status of OK.
        public mutating func next() async throws(Base.Failure) -> [UInt8]? { try await reader.next() }

        public mutating func next(isolation: isolated (any Actor)?) async throws(Base.Failure) -> [UInt8]? {
            try await reader.next()
        }
    }

    private let reader: StreamReader

    init(_ call: Call, _ exchange: Room<ashlar_grpc_exchange>) { reader = StreamReader(call, exchange) }

    init(failed status: GRPCStatus) { reader = StreamReader(failed: status) }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader) }
}

private final class StreamReader: Sendable {
    private let call: Call?
    private let final = OneShot<GRPCStatus>()
    /// Known once the stream has ended.
    private let end = Mutex<GRPCStatus?>(nil)

    init(failed status: GRPCStatus) {
        call = nil
        final.set(status)
    }

    init(_ call: Call, _ exchange: Room<ashlar_grpc_exchange>) {
        self.call = call
        let sent = call.begin({ ashlar_grpc_exchange_request($0, exchange.pointer, $1) }) { _ in
            withExtendedLifetime(exchange) {}
        }
        let final = final
        let awaits =
            sent
            && call.begin({ ashlar_grpc_exchange_status($0, exchange.pointer, $1) }) { _ in
                final.set(finalStatus(exchange))
            }
        if !awaits {
            call.abandon()
            final.set(GRPCStatus(.internal, "the call could not be started"))
        }
    }

    deinit { call?.abandon() }

    func next() async throws(Failure) -> [UInt8]? {
        if let status = end.withLock({ $0 }) { return try Self.ended(status) }
        if let message = try await receive() { return message }
        let status = await final.value
        end.withLock { $0 = status }
        call?.abandon()
        return try Self.ended(status)
    }

    private static func ended(_ status: GRPCStatus) throws(Failure) -> [UInt8]? {
        guard status.code == .ok else { throw status.failure }
        return nil
    }

    /// Nil where there is no further message.
    private func receive() async throws(Failure) -> [UInt8]? {
        guard let call else { return nil }
        let message = Room<ByteBuffer?>.buffer()
        let received = OneShot<Void>()
        let isBegun = call.begin({ ashlar_grpc_receive_message($0, message.pointer, $1) }) { _ in
            withExtendedLifetime(message) { received.set(()) }
        }
        guard isBegun else { throw Failure(.internal, "two tasks read one stream") }
        await withTaskCancellationHandler {
            await received.value
        } onCancel: {
            call.cancel()
        }
        guard let buffer = message.pointer.pointee else { return nil }
        guard let bytes = bytes(of: buffer) else { throw Failure(.corrupt, "a message could not be decompressed") }
        return bytes
    }
}
