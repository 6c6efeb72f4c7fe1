#include "tests/bench/support/packet_loss.hpp"

#include <fmt/format.h>

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace muster::bench {

namespace {

int call_bpf(int command, bpf_attr& attributes, const char* what) {
    const long result = syscall(SYS_bpf, command, &attributes, sizeof attributes);
    if (result < 0)
        throw std::runtime_error(fmt::format("the kernel refuses {}: {}", what, strerror(errno)));
    return static_cast<int>(result);
}

std::uint64_t address_of(const void* pointer) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what the system call asks for.
    return reinterpret_cast<std::uintptr_t>(pointer);
}

}  // namespace

void lose_packets(double share) {
    const auto limit = static_cast<std::int32_t>(share * 2147483648.0);
    // Of 32 random bits 31, which fit into an immediate operand: below the limit, drop.
    const std::array<bpf_insn, 7> code = {{
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_prandom_u32},
        {.code = BPF_ALU | BPF_RSH | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
        {.code = BPF_JMP | BPF_JGE | BPF_K, .dst_reg = BPF_REG_0, .off = 2, .imm = limit},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_DROP},
        {.code = BPF_JMP | BPF_EXIT},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT},
    }};
    constexpr const char* license = "GPL";
    bpf_attr load{};
    load.prog_type = BPF_PROG_TYPE_XDP;
    load.insns = address_of(code.data());
    load.insn_cnt = static_cast<std::uint32_t>(code.size());
    load.license = address_of(license);
    const int loaded = call_bpf(BPF_PROG_LOAD, load, "an XDP program");
    bpf_attr link{};
    link.link_create.prog_fd = static_cast<std::uint32_t>(loaded);
    link.link_create.target_ifindex = if_nametoindex("lo");
    link.link_create.attach_type = BPF_XDP;
    link.link_create.flags = XDP_FLAGS_SKB_MODE;
    // For as long as this process lives.
    (void)call_bpf(BPF_LINK_CREATE, link, "XDP on loopback");
    close(loaded);
}

}  // namespace muster::bench
