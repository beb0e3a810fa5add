import Operations
import Testing

@testable import candlecast

struct SimulationRunTests {
  @Test(arguments: ["exchange", "advanced"])
  func `whatever a simulator tells to set is the name of a knob`(interface: String) {
    let known = Set(KnobTable.all.flatMap(\.seedNames).filter { $0.place == .environment }.map(\.name))
    let endpoints = SimulationRun.endpoints("127.0.0.1:1", coinbase: interface)
    #expect(endpoints.map(\.name).filter { !known.contains($0) } == [])
    let coinbase = endpoints.filter { $0.name.hasPrefix("COINBASE") }.map(\.url)
    let path = interface == "advanced" ? "coinbase" : "coinbase-exchange"
    #expect(coinbase == ["http://127.0.0.1:1/\(path)", "ws://127.0.0.1:1/\(path)"])
  }
}
