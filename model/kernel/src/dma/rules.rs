//! What must hold of a device that goes to memory.

use crate::property::{forms, properties};

properties! {
    91 DMA_AFTER_UNMAP = "dma-after-unmap",
        "a device uses an address that is mapped for it no more, or goes past the end of what is: the IOMMU faults, and without one \
         it is somebody else's memory",
        "dma_unmap_page(): the device must not access it any more; IOMMU page faults",
        Says("{who} goes by {what}, which is not mapped any more{place}");
    92 DMA_UNMAP_MISMATCH = "dma-unmap-mismatch",
        "a mapping is taken down as another direction or length, for another attachment, or once more",
        "CONFIG_DMA_API_DEBUG: device driver frees DMA memory with different direction, with different size",
        InGeneral;
    93 DMA_IN_FLIGHT = "dma-in-flight",
        "a mapping is taken down while a job uses it whose fence has not signalled",
        "dma_unmap_page(): ownership goes back to the CPU; the device must be done",
        Says("{who} unmaps {what}, and a job goes there until {also} has signalled{place}");
    94 DMA_AFTER_INVALIDATE = "dma-after-invalidate",
        "a device goes to where a buffer was after its exporter has invalidated the mapping, in a job that the reservation does not know",
        "dma_buf_invalidate_mappings(): importers may go on only until the fences of the reservation have signalled",
        Says("{who} goes by {what} to where the buffer was, after the mapping was invalidated{place}");
    95 DMA_PATH = "dma-path",
        "a device goes to another one's memory over a path that does not carry it",
        "pci_p2pdma_distance(): requests and completions that ports redirect and root complexes do not forward",
        Says("{who} goes by {what} to {also}, and the hardware between them does not carry it{place}");
    96 DMA_LEFT_MAPPED = "dma-left-mapped",
        "a mapping is left at the end, or when the attachment goes that it was made for",
        "CONFIG_DMA_API_DEBUG: device driver has pending DMA allocations while released from device",
        Says("{what} is still mapped when everything is over");
    97 DMA_OUTSIDE_JOB = "dma-outside-job",
        "a device goes to memory in a job whose fence has signalled",
        "dma_fence_signal(): whoever waited for it takes the memory to be idle",
        Says("{who} goes by {what} in a job that is over, since {also} has signalled{place}");
    98 DMA_DIRECTION = "dma-direction",
        "a device writes what is mapped for it to read, or reads what is mapped for it to write",
        "enum dma_data_direction: the IOMMU faults, or a cache is not cleaned",
        InGeneral;
}

forms! {
    80 PAST_THE_END "{who} goes past the end of {what}{place}";
    81 WRITES_TO_DEVICE "{who} writes by {what}, which is mapped DMA_TO_DEVICE: for it to read{place}";
    82 READS_FROM_DEVICE "{who} reads by {what}, which is mapped DMA_FROM_DEVICE: for it to write{place}";
    83 UNMAPPED_TWICE "{who} unmaps {what}, which is not mapped{place}";
    84 UNMAPPED_OTHER_WAY "{who} unmaps {what} for another direction than it was mapped for{place}";
    85 UNMAPPED_OTHER_LENGTH "{who} unmaps another number of pages than {what} has{place}";
    86 UNMAPPED_FOR_OTHER "{who} unmaps {what} for another attachment than it was mapped for{place}";
    87 JOB_NOT_IN_RESV "{who} invalidates {what}, and a job goes on by it until {also} has signalled, which is not in the reservation: nobody waits for it{place}";
    90 NO_DIRECTION "{who} maps pages by {what} for no direction that there is: 0, 1 or 2{place}";
    88 ATTACHMENT_GONE "{who} frees {also}, and {what}, which was mapped for it, is mapped still{place}";
}
