// swift-tools-version: 6.2
import PackageDescription

/// Where `make setup` keeps what it downloads: headers and libraries that no Debian package provides.
let cache: String = {
  let environment = Context.environment
  if let explicit = environment["CANDLECAST_CACHE"], !explicit.isEmpty { return explicit }
  if let xdg = environment["XDG_CACHE_HOME"], !xdg.isEmpty { return xdg + "/candlecast" }
  return (environment["HOME"] ?? "/root") + "/.cache/candlecast"
}()

/// One dialect for every target. The kernels are an order of magnitude slower without AVX2 and FMA, so the baseline is
/// x86-64-v3; the executables check the processor at start.
let dialect: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
  .unsafeFlags(["-Xcc", "-march=x86-64-v3"]),
]

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: dialect)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: dialect)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: dialect)
}

let package = Package(
  name: "candlecast",
  targets: [
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .target(name: "CProcessor"),
    target("Market"),
    target("Crypto", ["CCrypto"]),
    target("Operations", ["CProcessor", "CYAML", "Market"]),
    program("candlecast", ["Market", "Operations"]),
    program("candlecast-bench", ["Market", "Operations"]),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: dialect),
    tests("MarketTests", ["Market"]),
    tests("CryptoTests", ["Crypto"]),
    tests("OperationsTests", ["Market", "Operations", "TestSupport"]),
    tests("CommandTests", ["candlecast", "Market", "Operations"]),
    tests("SetupTests", ["Operations"]),
    tests("TidyTests", []),
  ]
)
