#include "checker/ping_dialogue.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>

namespace muster::checker {

PingDialogue::PingDialogue(const config::PingCheck& check)
    : payload_(static_cast<std::size_t>(check.size), '\0') {
    std::array<unsigned char, 16> nonce{};
    RAND_bytes(nonce.data(), static_cast<int>(nonce.size()));
    std::copy_n(nonce.begin(), std::min(nonce.size(), payload_.size()), payload_.begin());
}

}  // namespace muster::checker
