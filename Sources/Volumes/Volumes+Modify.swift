import Base
import Domain
import VolumeEngine

extension Volumes {
    /// Changes the volume's limits, at once for its device; what `parameters` does not name stays. `invalid` where a name or value is
    /// not understood: then nothing is changed.
    public func modify(_ id: VolumeID, _ parameters: [String: String]) async throws(Failure) {
        var checked = VolumeLimits.none
        try checked.take(parameters)
        let held = try await lockVolume(id, for: "modify")
        defer { held.release() }
        _ = try await usableVolume(id)
        let now = try await engine.volume(id).limits
        let wanted = try now.changed(by: parameters)
        if wanted != now { try await engine.setLimits(id, wanted) }
    }
}

extension VolumeLimits {
    /// Parameters that may change during a volume's life.
    public enum Parameter: String, CaseIterable, Sendable {
        case iops, iopsBurst, bandwidth, bandwidthBurst
    }

    public static let iopsRange: ClosedRange<UInt64> = 1...10_000_000
    /// Bytes a second.
    public static let bandwidthRange: ClosedRange<UInt64> = 1 << 20...1 << 40

    /// These, with what `parameters` says: a number, for bandwidth with a unit if wanted (`100Mi`), or `0` for no limit. `invalid` where one is
    /// no such name or value.
    public func changed(by parameters: [String: String]) throws(Failure) -> VolumeLimits {
        var limits = self
        try limits.take(parameters)
        // A burst goes with its limit.
        if parameters[Parameter.iops.rawValue] != nil, limits.iops == nil,
            parameters[Parameter.iopsBurst.rawValue] == nil
        {
            limits.iopsBurst = nil
        }
        if parameters[Parameter.bandwidth.rawValue] != nil, limits.bandwidth == nil,
            parameters[Parameter.bandwidthBurst.rawValue] == nil
        {
            limits.bandwidthBurst = nil
        }
        guard limits.iops != nil || limits.iopsBurst == nil else {
            throw Failure(.invalid, "parameter 'iopsBurst' needs 'iops'")
        }
        guard limits.bandwidth != nil || limits.bandwidthBurst == nil else {
            throw Failure(.invalid, "parameter 'bandwidthBurst' needs 'bandwidth'")
        }
        return limits
    }

    fileprivate mutating func take(_ parameters: [String: String]) throws(Failure) {
        for (name, text) in parameters.sorted(by: { $0.key < $1.key }) {
            guard let parameter = Parameter(rawValue: name) else {
                throw Failure(
                    .invalid,
                    "parameter '\(name)' cannot be changed; known: \(Parameter.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            let value = try parameter.value(text)
            switch parameter {
            case .iops: iops = value
            case .iopsBurst: iopsBurst = value
            case .bandwidth: bandwidth = value
            case .bandwidthBurst: bandwidthBurst = value
            }
        }
    }

    /// Those that a volume made with these parameters has; others are none of its.
    public init(madeWith parameters: [String: String]) throws(Failure) {
        self = try Self.none.changed(by: parameters.filter { Parameter(rawValue: $0.key) != nil })
    }
}

extension VolumeLimits.Parameter {
    /// Nil for `0`: no limit.
    fileprivate func value(_ text: String) throws(Failure) -> UInt64? {
        let (value, range, form): (UInt64?, ClosedRange<UInt64>, String) =
            switch self {
            case .iops, .iopsBurst: (UInt64(text), VolumeLimits.iopsRange, "requests a second")
            case .bandwidth, .bandwidthBurst:
                (ByteSize.parse(text), VolumeLimits.bandwidthRange, "bytes a second, such as 100Mi")
            }
        if value == 0 { return nil }
        guard let value, range.contains(value) else {
            throw Failure(
                .invalid,
                "parameter '\(rawValue)': '\(text)' must be \(range.lowerBound) to \(range.upperBound) \(form), or 0 for no limit"
            )
        }
        return value
    }
}
