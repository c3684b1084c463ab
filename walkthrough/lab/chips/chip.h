/* What the test program asks of a chip. Each chip has a file of its own that answers. */
#ifndef CHIP_H
#define CHIP_H

#include <stdint.h>

void chip_start(void);             /* makes the serial line and the timer ready */
uint8_t chip_read(void);           /* waits for a byte from the serial line */
void chip_write(uint8_t byte);     /* sends a byte */
void chip_count_from_0(void);      /* starts the timer */
uint32_t chip_count(void);         /* the ticks since then */
void chip_stop(void);              /* ends the simulation */

/* Memory between the variables and the stack, which grows towards them. */
extern uint8_t chip_free_memory[]; /* its lowest byte */
uint8_t *chip_stack(void);         /* the stack begins here, and goes down */

/* The network calls this whenever it goes over to a layer, if it was compiled to measure layers. */
void chip_enter_layer(uint8_t layer);

#endif
