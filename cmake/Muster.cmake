# Build rules shared by all folders: flags in one interface target, and one function for each kind of
# target. A folder's CMakeLists.txt then only says what it is and what it uses.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(MUSTER_CCACHE ccache)
if(MUSTER_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${MUSTER_CCACHE}")
endif()
find_program(MUSTER_MOLD mold)
if(MUSTER_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

add_library(muster_flags INTERFACE)
target_include_directories(muster_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(muster_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align -Wunused
    -Woverloaded-virtual -Wconversion -Wno-sign-conversion -Wdouble-promotion -Wformat=2
    -Wimplicit-fallthrough -Wno-missing-field-initializers -Wno-missing-designated-field-initializers -Werror
    -fstack-protector-strong -fPIE)
target_link_options(muster_flags INTERFACE -pie)

if(MUSTER_SANITIZE STREQUAL "address")
    # null, alignment, object-size and vptr triple the compile time of coroutine code and find little there
    # that AddressSanitizer does not (reference/ecosystem.md, 1.2).
    add_compile_options(-fsanitize=address,undefined -fno-sanitize=null,alignment,object-size,vptr
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(MUSTER_SANITIZE STREQUAL "thread")
    add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
    add_link_options(-fsanitize=thread)
elseif(NOT MUSTER_SANITIZE STREQUAL "")
    message(FATAL_ERROR "MUSTER_SANITIZE is '${MUSTER_SANITIZE}'; use '', 'address' or 'thread'")
endif()

# muster_library(NAME [PUBLIC libs...] [PRIVATE libs...]): all .cpp of the calling folder except main.cpp
# and tests.
function(muster_library name)
    cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
    list(FILTER sources EXCLUDE REGEX "(/main|_test)\\.cpp$")
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC muster_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# muster_test(NAME LABEL unit|integration|... [TIMEOUT s] LIBS libs...): one GoogleTest executable of the
# calling folder's *_test.cpp; each test case becomes a ctest of its own.
function(muster_test name)
    cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "LIBS;SOURCES" ${ARGN})
    set(sources ${ARG_SOURCES})
    if(NOT sources)
        file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp")
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE muster_flags ${ARG_LIBS} GTest::gmock GTest::gmock_main)
    set_property(GLOBAL APPEND PROPERTY MUSTER_TEST_TARGETS ${name})
    if(ARG_LABEL STREQUAL "unit")
        # Unit tests take milliseconds: one process for the whole folder, not one for each case.
        add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
        set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT ${ARG_TIMEOUT})
    else()
        include(GoogleTest)
        gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
            PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
    endif()
endfunction()
