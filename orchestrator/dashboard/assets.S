// The dashboard's files as they are, as read-only data.
    .section .rodata.muster_dashboard, "a"

    .macro file name, path
    .global \name
    .global \name\()_end
\name:
    .incbin "\path"
\name\()_end:
    .byte 0
    .endm

    file muster_dashboard_page, "page.html"
    file muster_dashboard_script, "muster.js"
    file muster_dashboard_scaling, "scaling.js"
    file muster_dashboard_style, "muster.css"
    file muster_dashboard_icon, "muster.svg"

    .section .note.GNU-stack, "", @progbits
