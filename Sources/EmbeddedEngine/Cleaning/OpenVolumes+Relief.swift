import Base
import Synchronization

/// Who was refused a segment, and waits for the garbage of others.
final class Relief: Sendable {
    private struct State {
        var isRunning = false
        var waiters: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())

    /// True where nobody looks for garbage yet: the caller does, and calls `end`.
    func begin(_ done: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            state.waiters.append(done)
            defer { state.isRunning = true }
            return !state.isRunning
        }
    }

    func end() {
        let waiters = state.withLock { state in
            defer { state = State() }
            return state.waiters
        }
        for done in waiters { done() }
    }
}

/// A volume's garbage is room for all: when one finds none, the others clean, those that nobody has open too.
extension OpenVolumes {
    /// `done` is called when every other volume has cleaned what it could.
    func relieve(_ asking: VolumeID, done: @escaping @Sendable () -> Void) {
        guard relief.begin(done) else { return }
        Task.detached { [self] in
            for id in await volumesWithGarbage(but: asking) {
                try? await with(id) { (opened) throws(Failure) in
                    try await opened.ask { (log, done: @escaping @Sendable (Result<Void, Failure>) -> Void) in
                        log.clean { done(.success(())) }
                    }
                }
            }
            relief.end()
        }
    }

    /// Most garbage first, by what their logs or their last checkpoints say.
    private func volumesWithGarbage(but asking: VolumeID) async -> [VolumeID] {
        var found: [(id: VolumeID, bytes: UInt64)] = []
        for header in headers.volumes where header.id != asking && !header.isPurged && !header.isUnfinished {
            guard let usage = try? await space(header.id).usage, let group = headers.group(header.group) else {
                continue
            }
            // Less than two segments of it is not worth opening a volume: what is written on the way takes one.
            let segment = group.specification.sliceBytes * UInt64(group.specification.dataColumns)
            if usage.garbageBytes >= 2 * segment { found.append((header.id, usage.garbageBytes)) }
        }
        return found.sorted { $0.bytes > $1.bytes }.map(\.id)
    }
}
