import Base
import Glibc
import SystemIO

/// How workers come and go.
extension Holder {
    /// How long a worker whose files are closed may take to be wholly gone before the next one is started: a thread of it may wait in the kernel
    /// for I/O that only the next one serves. Two never write at once: there is the engine's lock.
    static let lingerMax = Duration.milliseconds(100)
    /// Deaths in a row before there are pauses, and the pauses.
    private static let deathsAtOnceMax = 3
    private static let pauseFirst = Duration.milliseconds(100)
    private static let pauseMax = Duration.seconds(10)
    /// After serving for so long a death is the first one again.
    private static let servedMin = Duration.milliseconds(50)
    /// Between two looks for a worker that cannot be connected to yet.
    private static let lookPause = Duration.milliseconds(5)

    func startWorker() {
        startAt = nil
        do throws(Failure) {
            // Once there was a worker of ours, whoever answers there is it, and just dying.
            if workerLock == nil, devices.count == 0,
                let orphan = try WorkerProcess.orphan(at: Settings.workerSocketPath(settings.runDirectory))
            {
                wasEverReady = true
                current = orphan
                log(.info, "found worker \(orphan.number), whose holder is gone")
            } else if let lock = try takeWorkerLock() {
                // There is no worker, and nothing that one would have to end in order.
                if isStopping, devices.count == 0 {
                    exitCode = 0
                    return
                }
                current = try WorkerProcess(starting: program, settings.words, lock: lock) { handOver(to: $0) }
            } else {
                startAt = .now + Self.lookPause
            }
            status.workerProcess = current?.number
            status.workerSince = current?.startedUnixTime
            if isStopping { endWorker() }
        } catch {
            log(.error, "\(error)")
            died()
            if isStopping, deathCount > Self.deathsAtOnceMax { exitCode = 1 }
        }
    }

    /// Nil while a worker of another holder lives. That is one that has just been started and cannot be connected to yet, with all devices; or one
    /// that is just dying.
    func takeWorkerLock() throws(Failure) -> FileDescriptor? {
        if let workerLock { return workerLock }
        let path = "\(settings.runDirectory)/\(Settings.workerLock)"
        let file = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_CLOEXEC, "cannot open \(path)")
        guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
            if !isWaitingTold { log(.info, "waiting for the worker of an earlier holder to answer, or to end") }
            isWaitingTold = true
            return nil
        }
        workerLock = file
        return file
    }

    /// Everything that is held. It waits in the connection until it is taken, even if this process dies. `predecessor`: killed by whoever takes it, if
    /// this process did not come to it.
    func handOver(to connection: PacketConnection, after predecessor: WorkerProcess? = nil) {
        for (part, descriptor) in devices.parts() { connection.send(Message(.adopt, part), descriptor) }
        connection.send(Message(.complete), predecessor?.process)
    }

    // MARK: What workers say

    func take(from worker: WorkerProcess) {
        while let (message, descriptor) = worker.connection.receive() { take(message, descriptor, from: worker) }
        // A worker never closes its end: it is dying, or cannot be understood.
        if worker.connection.isOver, worker.overSince == nil {
            worker.overSince = .now
            worker.send(SIGKILL)
        }
    }

    private func take(_ message: Message, _ descriptor: FileDescriptor?, from worker: WorkerProcess) {
        if message.kind == .hello, let hello = message.hello {
            if let descriptor { workerLock = descriptor }
            return greet(worker, hello)
        }
        guard worker.hello != nil else { return }
        switch message.kind {
        case .keep, .adopt:
            guard let part = message.device else { break }
            guard let descriptor else {
                log(.error, "no descriptor is left for device \(part.device): it ends with its worker")
                break
            }
            devices.put(part, descriptor)
        case .forget:
            if let part = message.device { devices.remove(part.device) }
        case .healthy: healthy(worker, waiting: message.waiting ?? 0)
        case .ready:
            worker.isReady = true
            wasEverReady = true
        case .released:
            worker.isReleased = true
            oldWorkerReleased()
        case .hello, .complete, .release, .stop, .status, .upgrade, .answer, .unknown: break
        }
    }

    private func greet(_ worker: WorkerProcess, _ hello: WorkerHello) {
        guard hello.protocolVersion == Message.protocolVersion else {
            log(
                .error,
                "worker \(worker.number) speaks protocol \(hello.protocolVersion), not \(Message.protocolVersion)")
            worker.send(SIGKILL)
            return
        }
        worker.hello = hello
        if worker === upgrade?.candidate { candidateGreeted(hello) }
    }

    private func healthy(_ worker: WorkerProcess, waiting: Int) {
        guard worker.healthySince == nil else { return }
        worker.healthySince = .now
        worker.waiting = waiting
        status.build = worker.hello?.build
        log(
            .info,
            "worker \(worker.number) serves \(devices.count - waiting) of \(devices.count) devices (\(milliseconds(since: worker.startedAt)) ms)"
        )
        guard let upgrade, upgrade.isLast(worker) else { return }
        // One that serves fewer than the old one did is not what was asked for: its time runs out.
        if waiting <= upgrade.old.waiting { upgradeDone() }
    }

    func milliseconds(since start: ContinuousClock.Instant) -> Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    // MARK: What becomes of them

    /// Gone, or as good as.
    func hasEnded(_ worker: WorkerProcess) -> Bool {
        if worker.isGone {
            // What it said before it died.
            take(from: worker)
            return true
        }
        guard let over = worker.overSince, .now >= over + Self.lingerMax else { return false }
        log(.warning, "worker \(worker.number) is dead, and threads of it wait for I/O: going on without it")
        lingering.append(worker)
        return true
    }

    func codeText(_ code: Int32?) -> String {
        guard let code else { return "" }
        return code >= 128 ? " by signal \(code - 128)" : " with code \(code)"
    }

    func ended(_ worker: WorkerProcess) {
        let code = worker.reap()
        devices.removeIncomplete()
        status.workerProcess = nil
        status.workerSince = nil
        if isStopping {
            // One that was making way for another, or died meanwhile: its devices are ended in order by the next one.
            if devices.count > 0, deathCount < Self.deathsAtOnceMax {
                deathCount += 1
                startWorker()
            } else {
                exitCode = code ?? (devices.count == 0 ? 0 : 1)
            }
        } else if worker.isReleased || upgrade?.isOld(worker) == true {
            oldWorkerGone(code)
        } else if upgrade?.isLast(worker) == true {
            upgradeFailed("the new worker ended\(codeText(code))")
        } else if !wasEverReady, devices.count == 0, let code, code < 128 {
            exitCode = code
        } else {
            // One that served for only a moment has a pause, and a short one: pods wait.
            if worker.healthySince != nil { deathCount = min(deathCount, Self.deathsAtOnceMax) }
            if let since = worker.healthySince, .now - since > Self.servedMin { deathCount = 0 }
            log(.error, "worker \(worker.number) ended\(codeText(code))")
            died()
        }
    }

    func died() {
        deathCount += 1
        status.restarts += 1
        var pause = Duration.zero
        if deathCount > Self.deathsAtOnceMax {
            let doublings = min(deathCount - Self.deathsAtOnceMax - 1, 16)
            pause = min(Self.pauseFirst * (1 << doublings), Self.pauseMax)
            log(
                .error,
                "\(deathCount) workers in a row died soon; \(devices.count) devices wait; the next one is started in \(pause)"
            )
        }
        startAt = .now + pause
    }

    /// The worker drains and ends; then this process does. Where none runs and devices wait, one is started for that; where one of an earlier
    /// holder cannot be connected to yet, it is waited for, until this is asked for again.
    func stop() {
        guard !isStopping else {
            if current == nil { exitCode = 1 }
            return
        }
        isStopping = true
        deathCount = 0
        upgrade?.candidate?.send(SIGKILL)
        upgrade = nil
        if current != nil { return endWorker() }
        startWorker()
        if current == nil, exitCode == nil { log(.info, "stopping when the worker of an earlier holder has ended") }
    }

    private func endWorker() {
        guard let current else { return }
        if current.isReleased { current.send(SIGKILL) } else { current.connection.send(Message(.stop)) }
    }
}
