import Base
import CLinux
import Glibc
import SystemIO

/// One worker makes way for another, of the same program or a new one:
///
/// 1. the new one is started beside the old, says hello, and waits;
/// 2. its formats are the old one's, else it is refused; the old one is told to release;
/// 3. the old one has released; the new one is given the devices, and the old one is killed, in this order: at any moment two processes have them;
/// 4. it is healthy in time and its program is the one to start from now on; or it is not, and the program that was good is started again.
struct Upgrade {
    enum Stage { case greeting, releasing, adopting }

    var stage = Stage.greeting
    let request: UpgradeRequest
    /// Nil: a signal asked.
    let client: PacketConnection?
    /// Until the old one is gone; then it is the holder's current one.
    var candidate: WorkerProcess?
    let program: FileDescriptor
    let old: WorkerProcess
    var new: WorkerProcess?
    var deadline: ContinuousClock.Instant

    func isOld(_ worker: WorkerProcess) -> Bool { worker === old }
    func isLast(_ worker: WorkerProcess) -> Bool { worker === new }
}

extension Holder {
    static let upgradeSecondsDefault = 30.0

    func requestUpgrade(_ request: UpgradeRequest, from client: PacketConnection?) {
        do throws(Failure) {
            guard upgrade == nil, !isStopping, let old = current, old.healthySince != nil else {
                throw Failure(.busy, "no worker serves right now, or another upgrade is under way: try again")
            }
            let path = request.binary ?? ownPath
            let program = try FileDescriptor(
                opening: path, flags: ashlar_o_path() | O_CLOEXEC, "cannot open \(path)")
            guard let lock = try takeWorkerLock() else {
                throw Failure(.busy, "another holder's worker has the lock in \(settings.runDirectory)")
            }
            let candidate = try WorkerProcess(starting: program, settings.words, lock: lock)
            upgrade = Upgrade(
                request: request, client: client, candidate: candidate, program: program, old: old, new: candidate,
                deadline: .now + .seconds(request.timeoutSeconds))
            log(.info, "upgrade: worker \(candidate.number) of \(path) is started beside worker \(old.number)")
        } catch {
            log(.error, "no upgrade: \(error)")
            status.lastFailure = "\(error)"
            tell(client, failure: "\(error)")
        }
    }

    func candidateGreeted(_ hello: WorkerHello) {
        guard let old = upgrade?.old, upgrade?.stage == .greeting else { return }
        guard hello.formats == old.hello?.formats else {
            return upgradeFailed(
                "the new worker keeps other formats (\(hello.formats), the old one \(old.hello?.formats ?? [:]))")
        }
        next(.releasing)
        old.connection.send(Message(.release))
    }

    private func next(_ stage: Upgrade.Stage) {
        guard let seconds = upgrade?.request.timeoutSeconds else { return }
        upgrade?.stage = stage
        upgrade?.deadline = .now + .seconds(seconds)
    }

    /// It waits to be killed. Where this holder is not the one that asked for it, there is no upgrade: another worker of this program follows.
    func oldWorkerReleased() {
        guard let old = upgrade?.old, let candidate = takeCandidate() else {
            current?.send(SIGKILL)
            return
        }
        devices.removeIncomplete()
        goOn(with: candidate, after: old)
        replaced = old
        killReplaced()
    }

    /// Only when the new one has been sent everything (it kills the old one itself then), or is dead: until then the old one is the other that has the
    /// devices, should this process die.
    func killReplaced() {
        guard let old = replaced, current?.connection.hasBacklog != true else { return }
        replaced = nil
        old.send(SIGKILL)
        lingering.append(old)
    }

    /// Released or dead, the new one goes on.
    func oldWorkerGone(_ code: Int32?) {
        guard let candidate = takeCandidate() else {
            upgradeFailed("the old worker ended\(codeText(code)) meanwhile")
            return died()
        }
        goOn(with: candidate)
    }

    /// Where it is its turn.
    private func takeCandidate() -> WorkerProcess? {
        guard let candidate = upgrade?.candidate, upgrade?.stage == .releasing else { return nil }
        upgrade?.candidate = nil
        return candidate
    }

    private func goOn(with candidate: WorkerProcess, after old: WorkerProcess? = nil) {
        current = candidate
        status.workerProcess = candidate.number
        status.workerSince = candidate.startedUnixTime
        next(.adopting)
        handOver(to: candidate.connection, after: old)
    }

    func upgradeDone() {
        guard let done = upgrade else { return }
        upgrade = nil
        program = done.program
        status.upgrades += 1
        status.lastFailure = nil
        log(.info, "upgrade: worker \(done.new?.number ?? 0) has taken over")
        tell(done.client, failure: nil)
    }

    /// The old worker serves on, or its program is started again.
    func upgradeFailed(_ reason: String) {
        guard let failed = upgrade else { return }
        upgrade = nil
        log(.error, "upgrade failed, going back: \(reason)")
        status.lastFailure = reason
        if let candidate = failed.candidate {
            candidate.send(SIGKILL)
            lingering.append(candidate)
        }
        tell(failed.client, failure: reason)
        if current == nil { startAt = .now }
    }

    func checkUpgradeTime() {
        guard let late = upgrade, late.deadline <= .now else { return }
        switch late.stage {
        case .greeting: upgradeFailed("the new worker did not say hello in \(late.request.timeoutSeconds) s")
        case .releasing:
            // What it answered is in its ring: the new one goes on as after a death.
            log(
                .error,
                "upgrade: worker \(late.old.number) did not release its volumes in \(late.request.timeoutSeconds) s and is killed"
            )
            oldWorkerReleased()
        case .adopting:
            // Its end is what starts the good one.
            let reason = "the new worker was not healthy in \(late.request.timeoutSeconds) s"
            current?.send(SIGKILL)
            upgrade?.new = nil
            status.lastFailure = reason
            log(.error, "upgrade failed, going back: \(reason)")
            tell(late.client, failure: reason)
            upgrade = nil
        }
    }

    // MARK: The command line

    func answer(_ message: Message, _ client: PacketConnection) {
        switch message.kind {
        case .status:
            var answer = Message(.answer)
            status.devices = devices.count
            status.state =
                upgrade != nil
                ? "upgrading" : current == nil ? "down" : current?.healthySince == nil ? "starting" : "serving"
            answer.status = status
            client.send(answer)
        case .upgrade:
            guard let request = message.upgrade else { return tell(client, failure: "no such request") }
            requestUpgrade(request, from: client)
        default: tell(client, failure: "the holder does not know that request")
        }
    }

    private func tell(_ client: PacketConnection?, failure: String?) {
        var answer = Message(.answer)
        answer.failure = failure
        client?.send(answer)
    }
}
