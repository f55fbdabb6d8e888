//! Model to view-models: strings, roles and columns. No rectangles, no colours, no terminal.
