import ArgumentParser
import Base
import CLinux
import Configuration
import Glibc
import Holder
import Logging
import SystemIO

/// What the process that a supervisor started is: the holder of its devices. Everything else runs in a worker, `ashlar worker`.
enum HolderProcess {
    /// Until a signal ends it; throws what it must end with.
    static func run(_ role: WorkerRole, config: String) async throws {
        let configuration: Configuration
        do { configuration = try Configuration.load(path: config) } catch { throw told(.configuration, error) }
        var logger = Logger(label: "ashlar.holder", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = Logger.Level(rawValue: configuration.logLevel.rawValue) ?? .info
        let log = logger
        do {
            try makeDirectories(configuration)
            try DescriptorLimit.raise()
            // Handed from here to every worker: what a thread of it allocates must not wait for writes that only it can carry out.
            // Refused without CAP_SYS_RESOURCE.
            if ashlar_set_io_flusher() != 0 { log.debug("PR_SET_IO_FLUSHER is not permitted") }
            let words = ["ashlar", "worker", role.rawValue, "--config", config]
            let settings = Holder.Settings(runDirectory: configuration.runDirectory, words: words)
            let code = try await onOwnThread { () throws(Failure) in
                _ = ashlar_set_io_flusher()
                return try Holder(
                    settings,
                    log: { level, text in
                        switch level {
                        case .info: log.info("\(text)")
                        case .warning: log.warning("\(text)")
                        case .error: log.error("\(text)")
                        }
                    }
                ).run()
            }
            if code != 0 { throw ExitCode(code) }
        } catch let failure as Failure {
            throw told(failure.kind == .unavailable || failure.kind == .timedOut ? .temporary : .failed, failure)
        }
    }
}

/// Runs `body`, which blocks for as long as the process lives, on a thread of its own.
func onOwnThread<T: Sendable>(_ body: @escaping @Sendable () throws(Failure) -> T) async throws(Failure) -> T {
    let result: Result<T, Failure> = await withCheckedContinuation { continuation in
        Thread(name: "ashlar-holder") {
            do throws(Failure) { continuation.resume(returning: .success(try body())) } catch {
                continuation.resume(returning: .failure(error))
            }
        }.start()
    }
    return try result.get()
}
