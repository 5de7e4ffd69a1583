import ArgumentParser
import Base
import CSIMessages
import Configuration
import GRPCServer

/// How long CSI calls take while many volumes are there, without the start of a process each.
struct TimeCallsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "time-calls",
        abstract: "Make volumes, then time creations with deletions, several at a time, and the list in pages.",
        discussion:
            "The volumes stay, so that a second run begins where the first ended. Milliseconds as the caller saw them.")

    @OptionGroup var options: InventoryOptions
    @Option(help: "So many raw volumes of 1 MiB are there before anything is timed.")
    var volumes = 0
    @Option(help: "Pairs of CreateVolume and DeleteVolume.")
    var pairs = 0
    @Option(help: "Pairs at a time.")
    var width = 16
    @Option(help: "Entries of a page of ListVolumes; 0: the list is not timed.")
    var page: Int32 = 0

    struct View: Encodable {
        var pairMilliseconds: [Double] = []
        var pairsPerSecond: Double?
        var pageMilliseconds: [Double] = []
        var listedCount = 0
    }

    func run() async throws {
        try await options.telling {
            let channel = try GRPCChannel(socketPath: try options.configuration().sockets.controller)
            var view = View()
            _ = try await each(volumes) { _ = try await create("stays-\($0)", channel) }
            let begin = ContinuousClock.now
            view.pairMilliseconds = try await each(pairs) { number in
                let id = try await create("pair-\(number)", channel)
                _ = try await channel.call(
                    CSI.Method.deleteVolume, CSI.DeleteVolumeRequest(volumeID: id).encoded(), timeoutSeconds: 60)
            }
            if pairs > 0 { view.pairsPerSecond = Double(pairs) * 1e3 / milliseconds(since: begin) }
            try await list(&view, channel)
            let shown = view
            try options.show(shown) {
                "pairs  \(shown.pairsPerSecond.map { "\($0) a second" } ?? "-")\npages  \(shown.pageMilliseconds)"
            }
        }
    }

    private func list(_ view: inout View, _ channel: GRPCChannel) async throws {
        var token = ""
        while page > 0 {
            let begin = ContinuousClock.now
            let request = CSI.ListVolumesRequest(maxEntries: page, startingToken: token)
            let found = try CSI.ListVolumesResponse(
                decoding: try await channel.call(CSI.Method.listVolumes, request.encoded(), timeoutSeconds: 60))
            view.pageMilliseconds.append(milliseconds(since: begin))
            view.listedCount += found.entries.count
            token = found.nextToken
            if token.isEmpty { break }
        }
    }

    /// Runs `body` for each number, `width` at a time; returns what each took.
    private func each(
        _ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> [Double] {
        let width = width
        return try await withThrowingTaskGroup(of: Double.self) { group in
            var times: [Double] = []
            for number in 0..<count {
                if number >= width, let time = try await group.next() { times.append(time) }
                group.addTask {
                    let begin = ContinuousClock.now
                    try await body(number)
                    return milliseconds(since: begin)
                }
            }
            for try await time in group { times.append(time) }
            return times
        }
    }

    private func create(_ name: String, _ channel: GRPCChannel) async throws -> String {
        let request = CSI.CreateVolumeRequest(
            name: name, capacityRange: .init(requiredBytes: 1 << 20),
            volumeCapabilities: [.init(accessType: .block(.init()), accessMode: .init(mode: .singleNodeWriter))])
        let made = try CSI.CreateVolumeResponse(
            decoding: try await channel.call(CSI.Method.createVolume, request.encoded(), timeoutSeconds: 60))
        return made.volume?.volumeID ?? ""
    }
}

/// As a caller saw it.
func milliseconds(since begin: ContinuousClock.Instant) -> Double {
    let taken = (ContinuousClock.now - begin).components
    return Double(taken.seconds) * 1e3 + Double(taken.attoseconds) / 1e15
}
