import ArgumentParser
import Base
import Foundation

/// What the process ends with, for scripts and supervisors; the numbers of sysexits.h where it has one.
enum AshlarExit: Int32 {
    /// What was asked could not be done; doing it again does not help.
    case failed = 1
    /// There is no such thing.
    case notFound = 3
    /// Not now: what is needed does not run or is starting. (EX_TEMPFAIL)
    case temporary = 75
    /// The configuration is wrong. (EX_CONFIG)
    case configuration = 78
}

/// Tells the failure on standard error; to be thrown.
func told(_ code: AshlarExit, _ failure: Failure) -> ExitCode {
    FileHandle.standardError.write(Data("ashlar: \(failure)\n".utf8))
    return ExitCode(code.rawValue)
}

func told(_ failure: Failure) -> ExitCode {
    switch failure.kind {
    case .notFound: told(.notFound, failure)
    case .unavailable, .timedOut, .busy: told(.temporary, failure)
    case .invalid, .conflict, .failedPrecondition, .outOfRange, .exhausted, .unsupported, .corrupt, .fenced, .cancelled,
        .internal:
        told(.failed, failure)
    }
}
