import Base
import Domain
import Testing

@Suite struct ProtectionTests {
    @Test(arguments: [
        ("single", 1, 0), ("replicated(3)", 1, 2), ("erasure(4,2)", 4, 2), ("erasure( 8, 2 )", 8, 2),
    ])
    func parsesAndCountsColumns(text: String, data: Int, parity: Int) throws {
        let protection = try #require(Protection(text))
        #expect(protection.dataColumns == data)
        #expect(protection.parityColumns == parity)
        #expect(Protection(protection.description) == protection)
    }

    @Test(arguments: [
        "", "double", "replicated", "replicated(1)", "replicated(6)", "replicated(2,3)", "erasure(4)", "erasure(1,2)",
        "erasure(4,0)", "erasure(17,2)", "erasure(4,2", "erasure(4,2,1)", "erasure(,)", "erasure(-4,2)", "Single",
    ])
    func refuses(text: String) { #expect(Protection(text) == nil) }
}

@Suite struct CapacityRangeTests {
    struct Case: Sendable {
        var required: UInt64
        var limit: UInt64
        var filesystem: FilesystemKind?
        /// Nil: out of range.
        var size: UInt64?
    }

    static let cases: [Case] = [
        Case(required: 0, limit: 0, filesystem: .ext4, size: 1 << 30),
        Case(required: 1, limit: 0, filesystem: nil, size: 1 << 20),
        Case(required: 1 << 20, limit: 0, filesystem: nil, size: 1 << 20),
        Case(required: 1_048_577, limit: 0, filesystem: nil, size: 1_052_672),
        Case(required: 1, limit: 0, filesystem: .ext4, size: 16 << 20),
        Case(required: 1 << 20, limit: 0, filesystem: .xfs, size: 304 << 20),
        Case(required: 0, limit: 64 << 20, filesystem: .ext4, size: 64 << 20),
        Case(required: 0, limit: 67_108_869, filesystem: .ext4, size: 64 << 20),
        Case(required: 1_000_000_000, limit: 1_000_001_536, filesystem: .ext4, size: 1_000_001_536),
        // Rounding up passes the limit.
        Case(required: 1_000_000_001, limit: 1_000_000_002, filesystem: .ext4, size: nil),
        Case(required: 1, limit: 300 << 20, filesystem: .xfs, size: nil),
        Case(required: 0, limit: 8 << 20, filesystem: .ext4, size: nil),
        Case(required: 1 << 61, limit: 0, filesystem: nil, size: nil),
    ]

    @Test(arguments: cases) func plans(_ example: Case) {
        let range = CapacityRange(requiredBytes: example.required, limitBytes: example.limit)
        do throws(Failure) {
            let size = try range.plan(filesystem: example.filesystem)
            #expect(size == example.size)
        } catch {
            #expect(error.kind == .outOfRange && example.size == nil, "\(error)")
        }
    }

    @Test func refusesNegativeAndInvertedRanges() {
        #expect(throws: Failure.self) { try CapacityRange(wireRequired: -1, limit: 0) }
        let inverted = #expect(throws: Failure.self) { try CapacityRange(wireRequired: 10, limit: 5) }
        #expect(inverted?.kind == .outOfRange)
    }

    @Test func expansionNeverShrinksAndKeepsTheLimit() throws {
        let current: UInt64 = 2 << 30
        #expect(try CapacityRange(requiredBytes: 1, limitBytes: 0).planExpansion(from: current) == current)
        #expect(try CapacityRange(requiredBytes: 3 << 30, limitBytes: 0).planExpansion(from: current) == 3 << 30)
        for range in [
            CapacityRange(requiredBytes: 1 << 30, limitBytes: 1 << 30),
            CapacityRange(requiredBytes: (3 << 30) + 1, limitBytes: (3 << 30) + 2),
        ] {
            let failure = #expect(throws: Failure.self) { try range.planExpansion(from: current) }
            #expect(failure?.kind == .outOfRange)
        }
    }
}

@Suite struct PhaseTests {
    @Test func nothingLeadsOutOfDeletingOrIntoPending() {
        for phase in VolumePhase.allCases {
            #expect(!VolumePhase.deleting.canBecome(phase))
            #expect(!phase.canBecome(.pending))
            #expect(phase == .deleting || phase.canBecome(.deleting))
        }
        #expect(VolumePhase.pending.canBecome(.ready))
        #expect(!VolumePhase.pending.canBecome(.degraded))
    }
}

@Suite struct OptionTests {
    @Test(arguments: [
        (FilesystemKind.ext4, "noatime"), (.ext4, "commit=60"), (.ext4, "data=journal"), (.xfs, "logbsize=256k"),
        (.xfs, "inode64"), (.xfs, "discard"),
    ])
    func acceptsMountOptions(kind: FilesystemKind, option: String) {
        #expect(kind.problem(withMountOption: option) == nil)
    }

    @Test(arguments: [
        (FilesystemKind.ext4, "nobarrier"), (.ext4, "commit=900"), (.ext4, "commit="), (.ext4, "commit=-1"),
        (.ext4, "journal_path=/dev/sda"), (.xfs, "logdev=/dev/sda"), (.xfs, "data=journal"), (.ext4, ""),
        (.ext4, "noatime,nobarrier"), (.ext4, "data=writeback"),
    ])
    func refusesMountOptions(kind: FilesystemKind, option: String) {
        #expect(kind.problem(withMountOption: option)?.isEmpty == false)
    }

    @Test(arguments: [
        (FilesystemKind.ext4, "-m 1"), (.ext4, "-E stride=16,stripe_width=64"), (.xfs, "-i size=1024"),
        (.xfs, "-d su=64k,sw=4"), (.ext4, "-E nodiscard"),
    ])
    func acceptsMkfsOptions(kind: FilesystemKind, option: String) {
        #expect(kind.problem(withMkfsOption: option) == nil)
    }

    @Test(arguments: [
        (FilesystemKind.ext4, "-m"), (.ext4, "-m 1 -F"), (.ext4, "-E offset=4096"), (.ext4, "-d /etc"), (.xfs, "-f 1"),
        (.xfs, "-d name=/dev/sda"), (.xfs, "-l logdev=/dev/sda"), (.ext4, "-m one"), (.ext4, ""), (.xfs, "-i size="),
        (.xfs, "-i size=1=2"),
    ])
    func refusesMkfsOptions(kind: FilesystemKind, option: String) {
        #expect(kind.problem(withMkfsOption: option)?.isEmpty == false)
    }
}

@Suite struct RequestTests {
    private func request(_ change: (inout VolumeRequest) -> Void = { _ in }) -> VolumeRequest {
        var request = VolumeRequest(
            name: "a", group: "g", className: "c", sizeBytes: 1 << 30, filesystem: .ext4,
            capabilities: [.init(access: .mount(filesystem: nil, flags: []), mode: .singleNodeWriter)],
            parameters: ["class": "c"])
        change(&request)
        return request
    }

    @Test func orderAndRepeatsOfCapabilitiesDoNotMatter() {
        let one = AccessCapability(access: .block, mode: .singleNodeWriter)
        let two = AccessCapability(access: .mount(filesystem: .xfs, flags: []), mode: .singleNodeWriter)
        let a = VolumeRequest(
            name: "a", group: "g", sizeBytes: 1, filesystem: .xfs, capabilities: [one, two, one])
        let b = VolumeRequest(name: "a", group: "g", sizeBytes: 1, filesystem: .xfs, capabilities: [two, one])
        #expect(a.difference(from: b) == nil)
    }

    @Test func namesEachDifference() {
        #expect(request().difference(from: request()) == nil)
        #expect(request { $0.sizeBytes += 4096 }.difference(from: request())?.contains("capacity") == true)
        #expect(request { $0.group = "h" }.difference(from: request()) == nil, "the class was edited")
        #expect(request { $0.filesystem = .xfs }.difference(from: request()) == nil, "the class was edited")
        let inGroup = request { ($0.className, $0.parameters) = (nil, ["group": "g"]) }
        var inOther = inGroup
        (inOther.group, inOther.parameters) = ("h", ["group": "h"])
        #expect(inOther.difference(from: inGroup)?.contains("group h") == true)
        let named = request {
            $0.capabilities = [.init(access: .mount(filesystem: .xfs, flags: []), mode: .singleNodeWriter)]
        }
        var xfs = named
        xfs.filesystem = .xfs
        #expect(xfs.difference(from: request())?.contains("xfs instead of ext4") == true)
        #expect(request { $0.className = nil }.difference(from: request())?.contains("class") == true)
        #expect(request { $0.filesystem = nil }.difference(from: request())?.contains("raw block") == true)
        #expect(request { $0.capabilities = [] }.difference(from: request())?.contains("capabilities") == true)
        #expect(request { $0.parameters = [:] }.difference(from: request())?.contains("parameters") == true)
        #expect(request { $0.mountOptions = ["discard"] }.difference(from: request()) == nil)
    }
}
