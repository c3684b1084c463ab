/*
 * The program that runs a network on a simulated chip.
 *
 * For each image the host sends a 1 and the bytes of the image. The answer is lines of a letter and
 * of numbers, in eight hexadecimal digits each:
 *
 *     l  the timer when the network went over to each layer, if it was compiled to tell
 *     t  the timer at the end
 *     u  bytes of stack that the network used; 0 if the stack ran into the variables
 *     s  the bits of each score
 *
 * A 0 from the host ends the program. The compiler's command line says IMAGE_BYTES, CLASSES, and
 * SCORES, the name of the network's function. Of a network that only knows the class it says CLASS
 * instead, and the class takes the place of the scores.
 */

#include "chip.h"

#define PAINT 0xA5u
#define MARGIN 16                  /* bytes of stack that the painting itself may use */
#define MOST_LAYERS 10

#ifdef SCORES
void SCORES(const uint8_t *image, float *scores);
#else
uint8_t CLASS(const uint8_t *image);
#endif

static uint8_t image[IMAGE_BYTES];
static union {
    float value;
    uint32_t bits;
} scores[CLASSES];
static uint32_t entered[MOST_LAYERS];
static uint8_t layers;

void chip_enter_layer(uint8_t layer)
{
    if (layer < MOST_LAYERS) {
        entered[layer] = chip_count();
        layers = (uint8_t)(layer + 1);
    }
}

/* Counting takes time, too: as much as it takes to count this. */
__attribute__((noinline)) static void nothing(const uint8_t *in, float *out)
{
    __asm__ volatile("" : : "r"(in), "r"(out) : "memory");
}

static void write_number(uint32_t number)
{
    uint8_t i;
    for (i = 0; i < 8; i++) {
        const uint8_t digit = (uint8_t)(number >> 28);
        chip_write((uint8_t)(digit < 10 ? '0' + digit : 'a' + digit - 10));
        number <<= 4;
    }
}

static void write_line(char letter, const uint32_t *numbers, uint8_t count)
{
    chip_write((uint8_t)letter);
    while (count--) {
        chip_write(' ');
        write_number(*numbers++);
    }
    chip_write('\n');
}

int main(void)
{
    uint32_t number, counting;
    uint16_t i;

    chip_start();
    chip_count_from_0();
    nothing(image, &scores[0].value);
    counting = chip_count();

    while (chip_read()) {
        uint8_t *low, *const top = chip_stack() - MARGIN;

        for (i = 0; i < IMAGE_BYTES; i++)
            image[i] = chip_read();

        /* whatever is still painted afterwards, the stack has never reached */
        for (low = chip_free_memory; low < top; low++)
            *(volatile uint8_t *)low = PAINT;
        layers = 0;
        chip_count_from_0();
#ifdef SCORES
        SCORES(image, &scores[0].value);
#else
        scores[0].bits = CLASS(image);
#endif
        number = chip_count() - counting;
        for (low = chip_free_memory; low < top && *low == PAINT; low++)
            ;
        if (layers)
            write_line('l', entered, layers);
        write_line('t', &number, 1);
        number = low == chip_free_memory ? 0 : (uint32_t)(chip_stack() - low);
        write_line('u', &number, 1);
        write_line('s', &scores[0].bits, CLASSES);
    }
    chip_stop();
    return 0;
}
