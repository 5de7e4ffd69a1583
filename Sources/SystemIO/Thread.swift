import CLinux
import Glibc

/// A named thread of our own, for what must not run on Swift's cooperative pool: event loops and calls that block.
public final class Thread: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    public init(name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    /// Starts detached; the thread keeps this object alive.
    public func start() {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let this = Unmanaged<Thread>.fromOpaque(argument).takeRetainedValue()
                ashlar_name_thread(this.name)
                this.body()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        pthread_attr_destroy(&attributes)
        precondition(result == 0, "cannot start thread \(name): errno \(result)")
    }
}
