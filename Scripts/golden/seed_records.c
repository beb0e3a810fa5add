// Writes Tests/VenuesTests/Fixtures/binance/seed_records.txt: fixed records as a C compiler lays them out, one line of hex each.
// cc -o seed_records seed_records.c && ./seed_records > seed_records.txt
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct Trade {
  uint64_t timestamp;
  uint64_t trade_id;
  uint32_t symbol_id;
  double price;
  double quantity;
  uint8_t is_buyer_maker;
  uint16_t padding;
};

struct BestBidAsk {
  uint64_t timestamp;
  uint32_t symbol_id;
  double bid_price;
  double bid_quantity;
  double ask_price;
  double ask_quantity;
  uint32_t padding;
};

struct DepthUpdate {
  uint64_t timestamp;
  uint32_t symbol_id;
  uint64_t first_update_id;
  uint64_t final_update_id;
  uint8_t side;
  double price;
  double quantity;
  uint8_t padding[7];
};

static void print(const void *record, size_t size) {
  for (size_t i = 0; i < size; i++) printf("%02x", ((const unsigned char *)record)[i]);
  printf("\n");
}

#define ZEROED(type, name) struct type name; memset(&name, 0, sizeof name)

int main(void) {
  ZEROED(Trade, trade);
  trade.timestamp = 1767225600123456;
  trade.trade_id = 5551234567;
  trade.symbol_id = 1;
  trade.price = 90123.45;
  trade.quantity = 0.0015;
  trade.is_buyer_maker = 1;
  print(&trade, sizeof trade);
  ZEROED(BestBidAsk, quote);
  quote.timestamp = 1767225600123456;
  quote.symbol_id = 1;
  quote.bid_price = 90123.45;
  quote.bid_quantity = 3.5;
  quote.ask_price = 90123.46;
  quote.ask_quantity = 0.00000001;
  print(&quote, sizeof quote);
  ZEROED(DepthUpdate, level);
  level.timestamp = 1767225600123456;
  level.symbol_id = 1;
  level.first_update_id = 88003;
  level.final_update_id = 88007;
  level.side = 1;
  level.price = 90124;
  print(&level, sizeof level);
}
