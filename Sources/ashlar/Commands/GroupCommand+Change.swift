import ArgumentParser
import Base
import ControlAPI
import Domain
import GRPCServer
import Volumes

extension GroupCommand {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Make a group, or have a retained one again with its volumes.",
            discussion: """
                What is left out is as the retained group had it, or else the default. Of a group that is there and not in the configuration \
                the capacity, media, profile and deletion policy can be changed so.
                """)

        @OptionGroup var options: InventoryOptions
        @Argument(help: "1 to 63 lower-case letters, digits, inner '-'.")
        var label: String
        @Option(help: "single, replicated(n) or erasure(k,p); needed for a new group.")
        var protection: String?
        @Option(help: "performance, standard or archive.")
        var profile: String?
        @Option(help: "nvme, ssd, hdd, separated by commas; or any.")
        var media: String?
        @Option(help: "Bound on logical bytes, for example 2Ti.")
        var capacity: String?
        @Option(help: "retain or delete.")
        var deletionPolicy: String?
        @Option(help: "Size of one slice file, for example 16Mi.")
        var sliceSize: String?

        struct View: Encodable {
            var label: String
            var outcome: String
            var volumeCount: UInt64
        }

        func order() throws -> GroupOrder {
            var order = GroupOrder(label: label)
            order.protection = try word(protection, "--protection", Protection.forms) { Protection($0) }
            order.profile = try word(profile, "--profile", choices(Profile.self), Profile.init(rawValue:))
            order.deletionPolicy = try word(
                deletionPolicy, "--deletion-policy", choices(DeletionPolicy.self), DeletionPolicy.init(rawValue:))
            order.capacityBytes = try word(capacity, "--capacity", "a size such as 2Ti") { ByteSize.parse($0) }
            order.sliceBytes = try word(sliceSize, "--slice-size", "a size such as 16Mi") { ByteSize.parse($0) }
            if let media, media == "any" {
                order.media = []
            } else if let media {
                order.media = try media.split(separator: ",").compactMap {
                    try word(String($0), "--media", "any, or of \(choices(Media.self))", Media.init(rawValue:))
                }
            }
            return order
        }

        private func choices<T: CaseIterable & RawRepresentable<String>>(_: T.Type) -> String {
            T.allCases.map(\.rawValue).joined(separator: ", ")
        }

        private func word<T>(_ text: String?, _ option: String, _ forms: String, _ parse: (String) -> T?) throws -> T? {
            guard let text else { return nil }
            guard let value = parse(text) else { throw ValidationError("\(option) '\(text)' must be \(forms)") }
            return value
        }

        func run() async throws {
            let order = try order()
            try await options.telling {
                let (outcome, count) = try await options.control().createGroup(order)
                let view = View(label: label, outcome: "\(outcome)", volumeCount: count)
                try options.show(view) {
                    switch outcome {
                    case .created: "group '\(label)' is made"
                    case .reconnected: "group '\(label)' is there again, with \(count) volumes"
                    case .existed: "group '\(label)' is as asked for; it has \(count) volumes"
                    }
                }
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Remove a group; its deletion policy says whether its data is retained or destroyed.",
            discussion: """
                Refused while a volume of it is published. A retained group is hidden with its volumes until `ashlar group create` has it \
                again. To destroy what is retained, create it with --deletion-policy delete and delete it then.
                """)

        @OptionGroup var options: InventoryOptions
        @Argument(help: "Its label.")
        var label: String
        @Flag(help: "Although it has volumes.")
        var force = false

        struct View: Encodable {
            var label: String
            var isRetained: Bool
            var volumeCount: UInt64
        }

        func run() async throws {
            try await options.telling {
                let (isRetained, count) = try await options.control().deleteGroup(label, force: force)
                try options.show(View(label: label, isRetained: isRetained, volumeCount: count)) {
                    isRetained
                        ? "group '\(label)' is removed; the data of its \(count) volumes is kept: `ashlar group create \(label)` has it again"
                        : "group '\(label)' and its \(count) volumes are deleted"
                }
            }
        }
    }
}
