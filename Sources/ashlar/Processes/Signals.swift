import Dispatch
import Glibc

/// Waits for the first of the signals, which from then on have no other effect.
func firstSignal(of numbers: [Int32] = [SIGINT, SIGTERM]) async {
    let (signals, continuation) = AsyncStream.makeStream(of: Void.self)
    let sources = numbers.map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { continuation.yield() }
        source.resume()
        return source
    }
    for await _ in signals { break }
    for source in sources { source.cancel() }
}
