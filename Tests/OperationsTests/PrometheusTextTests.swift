import Operations
import Testing

@Suite struct PrometheusTextTests {
  @Test func `each metric has its help, its type and its samples`() {
    var page = PrometheusText()
    page.add(
      "candlecast_gaps_open", .gauge, "Gaps being closed.",
      [.init(2, [.init("series", "binance:BTCUSDT")]), .init(0.5, [.init("series", "a\"b\\c\nd")])])
    page.add("candlecast_uptime_seconds", .counter, "Since the start.", [.init(1e15), .init(.infinity), .init(.nan)])
    #expect(
      page.text == """
        # HELP candlecast_gaps_open Gaps being closed.
        # TYPE candlecast_gaps_open gauge
        candlecast_gaps_open{series="binance:BTCUSDT"} 2
        candlecast_gaps_open{series="a\\"b\\\\c\\nd"} 0.5
        # HELP candlecast_uptime_seconds Since the start.
        # TYPE candlecast_uptime_seconds counter
        candlecast_uptime_seconds 1000000000000000
        candlecast_uptime_seconds +Inf
        candlecast_uptime_seconds NaN

        """)
  }

  @Test func `a histogram has its buckets one on top of the other, its sum and its count`() {
    var ages = Histogram([0.00001, 0.5, 1])
    for age in [0.25, 0.5, 0.75, 3, .nan] { ages.add(age) }
    var page = PrometheusText()
    page.add("candlecast_age_seconds", "Age of the inputs.", [(ages, [.init("cadence", "tick")])])
    #expect(
      page.text == """
        # HELP candlecast_age_seconds Age of the inputs.
        # TYPE candlecast_age_seconds histogram
        candlecast_age_seconds_bucket{cadence="tick",le="1e-05"} 0
        candlecast_age_seconds_bucket{cadence="tick",le="0.5"} 2
        candlecast_age_seconds_bucket{cadence="tick",le="1"} 3
        candlecast_age_seconds_bucket{cadence="tick",le="+Inf"} 4
        candlecast_age_seconds_sum{cadence="tick"} 4.5
        candlecast_age_seconds_count{cadence="tick"} 4

        """)
  }

  @Test func `what is not known is not there`() {
    var page = PrometheusText()
    page.add("candlecast_skew_seconds", .gauge, "Difference of clocks.", [])
    #expect(page.text.isEmpty)
  }
}
