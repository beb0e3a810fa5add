import Ingestion
import Testing

struct EndpointsTests {
  @Test func `several failures at one address move on once`() throws {
    var endpoints = try #require(Endpoints(["http://one.test", "http://two.test/"]))
    let asked = endpoints.current
    for _ in 0..<2 { endpoints.failed(asked) }
    #expect(endpoints.current == "http://two.test")
    endpoints.failed(endpoints.current)
    #expect(endpoints.current == "http://one.test")
  }
}
