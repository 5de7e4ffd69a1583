import ArgumentParser
import Attach
import Base
import Configuration
import EmbeddedEngine
import Foundation
import Glibc
import Holder
import Logging
import Synchronization
import SystemIO

/// What a worker runs.
enum WorkerRole: String, ExpressibleByArgument, Sendable {
    /// Engine, controller and node.
    case serve
    /// The engine alone.
    case engine
}

/// One life of the worker: from what its predecessor left to its end, in order.
///
/// The data plane comes first and alone: the devices are served before anything else is started. What fails after that does not take
/// the devices along, if there are any.
struct Worker: Sendable {
    /// What one worker leaves for the next one: see `WorkerHello.formats`.
    static let formats = EmbeddedEngine.formatVersions.merging(["device": DeviceHandle.version]) { first, _ in first }
    private static let controlPauseMax = Duration.seconds(10)

    let role: WorkerRole
    let configuration: Configuration
    let logger: Logger

    func run() async throws {
        // The holder says when to end; a signal for its whole group comes to this process too.
        for number in [SIGINT, SIGTERM] { signal(number, SIG_IGN) }
        let client = try HolderClient(
            WorkerHello(process: getpid(), build: Self.build, formats: Self.formats))
        let (stops, stop) = AsyncStream.makeStream(of: End.self)
        let adopted = try await onOwnThread { () throws(Failure) in
            client.adopted()?.map(KeptDevice.init(adopted:))
        }
        guard let adopted else { return }
        let devices = adopted.compactMap { $0 }
        if !devices.isEmpty { StartPriority.raise() }
        try client.listen(at: Holder.Settings.workerSocketPath(configuration.runDirectory)) { asked in
            stop.yield(asked == .release ? .release : .stop)
        }
        let engine = try await EngineProcess.start(
            configuration, keeper: HolderKeeper(client: client, logger: logger), adopting: devices, logger: logger)
        StartPriority.restore()
        client.tellHealthy(waiting: engine.attacher.waitingCount)
        let signals = Task {
            // Without a holder nobody else can say it.
            while !Task.isCancelled {
                await firstSignal()
                if !client.hasHolder { stop.yield(.stop) }
            }
        }
        defer { signals.cancel() }
        let control = ControlSlot()
        let starting = Task { try await startControl(engine, control, mustStart: devices.isEmpty, client) }
        let failing = Task {
            if case .failure(let error) = await starting.result { stop.yield(.failed(Failure(wrapping: error))) }
        }
        defer { failing.cancel() }
        var ends = stops.makeAsyncIterator()
        let end = await ends.next() ?? .stop
        starting.cancel()
        await control.shutDown()
        switch end {
        case .release:
            logger.notice("making way for another worker")
            await engine.release()
            client.tellReleased()
            // Its descriptors are the devices' life until somebody else has them: the holder, or the next one, kills it then.
            while let next = await ends.next() { if case .stop = next { break } }
        case .stop:
            logger.notice("stopping")
            await engine.shutDown()
            unlink(Holder.Settings.workerSocketPath(configuration.runDirectory))
            logger.notice("stopped")
        case .failed(let failure):
            await engine.shutDown()
            throw failure
        }
    }

    private enum End: Sendable {
        case stop, release
        case failed(Failure)
    }

    /// Controller and node, where they run in this process. With devices that pods use it is tried again until it works.
    private func startControl(
        _ engine: EngineProcess, _ slot: ControlSlot, mustStart: Bool, _ client: HolderClient
    ) async throws {
        var pause = Duration.milliseconds(100)
        while role == .serve, !Task.isCancelled {
            do {
                let control = try await ControlProcess.start(
                    configuration, roles: [.controller, .node], engine: engine.engine, attacher: engine.attacher,
                    logger: logger)
                slot.put(control)
                break
            } catch {
                guard !mustStart else { throw error }
                logger.error(
                    "controller and node do not start", metadata: ["reason": "\(error)", "again in": "\(pause)"])
                try await Task.sleep(for: pause)
                pause = min(pause * 2, Self.controlPauseMax)
            }
        }
        logger.notice(
            "ready",
            metadata: role == .engine
                ? ["socket": "\(configuration.engine.socket)"]
                : ["controller": "\(configuration.sockets.controller)", "node": "\(configuration.sockets.node)"])
        client.tellReady()
    }

    /// The version, and which file it is.
    private static var build: String {
        var status = stat()
        let file = stat("/proc/self/exe", &status) == 0 ? "\(status.st_ino)-\(status.st_mtim.tv_sec)" : "?"
        return "\(ashlarVersion) (\(file))"
    }
}

/// The control plane, once it runs.
private final class ControlSlot: Sendable {
    private let control = Mutex<ControlProcess?>(nil)
    func put(_ made: ControlProcess) { control.withLock { $0 = made } }
    func shutDown() async { await control.withLock { $0 }?.shutDown() }
}

/// Devices and their facts, as the holder keeps them.
struct HolderKeeper: DeviceKeeper {
    let client: HolderClient
    let logger: Logger

    func keep(_ handle: DeviceHandle, _ descriptors: [Int32]) {
        do {
            let facts = String(decoding: try JSONEncoder().encode(handle), as: UTF8.self)
            try client.keep(handle.volume.description, facts: facts, descriptors)
        } catch {
            logger.error(
                "the device will not outlive this process",
                metadata: ["volume": "\(handle.volume)", "reason": "\(error)"])
        }
    }

    func forget(_ volume: VolumeID) { client.forget(volume.description) }
}

extension KeptDevice {
    /// Nil where a newer version wrote facts that this one does not understand: then the device waits for the next worker.
    init?(adopted: HolderClient.Adopted) {
        guard let handle = try? JSONDecoder().decode(DeviceHandle.self, from: Data(adopted.facts.utf8)) else {
            return nil
        }
        self.init(handle: handle, descriptors: adopted.descriptors)
    }
}
